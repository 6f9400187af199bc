"""httpx in the interop matrix: `python client.py CELL URL [AUTHORITY]`; ../README.md has the cells.

httpx shows neither interim responses nor trailers, sends no trailers and no RST_STREAM: of the first only what follows them is checked
here, and for the others there are no cells.
"""

import asyncio
import ssl
import sys

import httpx

BIG = 10 << 20


def pattern(octets):
    """What every program here makes and checks."""
    return bytes((i ^ i >> 8 ^ i >> 16) & 255 for i in range(octets))


def expect(holds, otherwise):
    if not holds:
        raise SystemExit(f"client.py: {otherwise}")


async def whole(client, method, path, status, wanted, **more):
    response = await client.request(method, path, **more)
    expect(response.http_version == "HTTP/2", response.http_version)
    expect(response.status_code == status, f"status {response.status_code} instead of {status}")
    expect(response.content == wanted, f"{len(response.content)} octets, or others, instead of {len(wanted)}")
    return response


async def get(client):
    await whole(client, "GET", "/1k", 200, pattern(1 << 10))


async def post(client):
    sent = pattern(BIG)
    await whole(client, "POST", "/echo", 200, sent, content=sent)


async def head(client):
    response = await whole(client, "HEAD", "/1k", 200, b"")
    expect(response.headers["content-length"] == "1024", "content-length is not 1024")
    await get(client)


async def hints(client):
    """It drops the 103; the response behind it must come."""
    await whole(client, "GET", "/hints", 200, b"hinted")


async def early(client):
    """The body ends only after the answer has come."""
    answered = asyncio.Event()

    async def body():
        yield pattern(1 << 10)
        await answered.wait()

    sending = asyncio.create_task(whole(client, "POST", "/early", 413, b"early", content=body()))
    done, _ = await asyncio.wait([sending], timeout=5)
    answered.set()
    expect(done, "no answer while the body lasts")
    await sending
    await get(client)


async def large(client):
    field = "x" * (12 << 10)
    response = await whole(client, "GET", "/large", 200, b"12288", headers={"x-large": field})
    expect(response.headers["x-large"] == field, "the large field has not come back")


async def drain(client):
    async with client.stream("GET", "/10m") as response:
        await whole(client, "GET", "/leave", 200, b"leaving")
        for _ in range(6):
            await asyncio.gather(*(get(client) for _ in range(20)))
        content = await response.aread()
    expect(content == pattern(BIG), f"{len(content)} octets of {BIG} came, or others")


CELLS = {
    "get": get,
    "post": post,
    "head": head,
    "1xx": hints,
    "early": early,
    "large": large,
    "drain": drain,
}


async def main(cell, url, authority=None):
    trust = ssl.create_default_context(cafile=authority) if authority else True
    async with httpx.AsyncClient(
        base_url=url, http1=False, http2=True, verify=trust, timeout=30, trust_env=False
    ) as client:
        await CELLS[cell](client)


asyncio.run(main(*sys.argv[1:]))
