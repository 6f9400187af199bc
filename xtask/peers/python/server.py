"""hypercorn in the interop matrix: `python server.py serve [CERT KEY]`; ../README.md has the paths.

ASGI does not show a request's trailers, so /echo has none to send back.
"""

import asyncio
import socket
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config

BIG = 10 << 20


def pattern(octets):
    """What every program here makes and checks."""
    return bytes((i ^ i >> 8 ^ i >> 16) & 255 for i in range(octets))


SIZED = {"/1k": pattern(1 << 10), "/10m": pattern(BIG)}


async def start(send, status, headers=(), **more):
    await send({"type": "http.response.start", "status": status, "headers": list(headers), **more})


async def body(send, content=b"", more_body=False):
    await send({"type": "http.response.body", "body": content, "more_body": more_body})


async def answer(send, status, content, headers=()):
    await start(send, status, headers)
    await body(send, content)


async def echo(receive, send):
    await start(send, 200)
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return
        await body(send, message["body"], message["more_body"])
        if not message["more_body"]:
            return


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    path = scope["path"]
    if path in SIZED:
        content = SIZED[path]
        length = [(b"content-length", str(len(content)).encode())]
        await answer(send, 200, b"" if scope["method"] == "HEAD" else content, length)
    elif path == "/echo":
        await echo(receive, send)
    elif path == "/trailers":
        await start(send, 200, trailers=True)
        await body(send, b"body")
        await send({"type": "http.response.trailers", "headers": [(b"x-checksum", b"42")], "more_trailers": False})
    elif path == "/hints":
        await send({"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload"]})
        await answer(send, 200, b"hinted")
    elif path == "/early":
        # hypercorn fails the connection when content comes after the answer: the answer waits for some.
        await receive()
        await answer(send, 413, b"early")
    elif path == "/large":
        field = dict(scope["headers"]).get(b"x-large", b"")
        await answer(send, 200, str(len(field)).encode(), [(b"x-large", field)])
    else:
        await answer(send, 404, b"no such path")


def main(cert=None, key=None):
    listener = socket.create_server(("127.0.0.1", 0))
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.accesslog = None
    config.errorlog = None
    config.h2_max_header_list_size = 1 << 16
    # It has no other way to make a connection leave while the server stays.
    config.keep_alive_max_requests = 50
    if cert:
        config.certfile, config.keyfile = cert, key
    print(f"listening on {'https' if cert else 'http'}://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    asyncio.run(serve(app, config))


main(*sys.argv[2:])
