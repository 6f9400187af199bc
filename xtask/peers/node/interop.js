// Node's http2 in the interop matrix: "node interop.js serve [CERT KEY]" or "node interop.js CELL URL [AUTHORITY]"; ../README.md
// has the cells.
import http2 from 'node:http2';
import fs from 'node:fs';
import { once } from 'node:events';

const BIG = 10 << 20;
// In MB. The default, 10, counts what waits to be sent, so 10 MiB in one piece would end their stream with ENHANCE_YOUR_CALM.
const maxSessionMemory = 100;

// What every program here makes and checks.
function pattern(octets) {
  const made = Buffer.alloc(octets);
  for (let i = 0; i < octets; i++) made[i] = i ^ (i >> 8) ^ (i >> 16);
  return made;
}

function expect(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

// The server.

const ANSWERS = {
  '/1k': (stream, headers) => sized(stream, headers, 1 << 10),
  '/10m': (stream, headers) => sized(stream, headers, BIG),
  '/echo': (stream) => {
    let fields = {};
    stream.on('trailers', (sent) => (fields = { 'x-checksum': sent['x-checksum'] }));
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(fields));
    stream.pipe(stream);
  },
  '/trailers': (stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-checksum': '42' }));
    stream.end('body');
  },
  '/hints': (stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</style.css>; rel=preload' });
    text(stream, 200, 'hinted');
  },
  '/early': (stream) => {
    text(stream, 413, 'early');
    stream.on('finish', () => stream.close(http2.constants.NGHTTP2_NO_ERROR));
  },
  '/large': (stream, headers) => {
    stream.respond({ ':status': 200, 'x-large': headers['x-large'] });
    stream.end(String(headers['x-large'].length));
  },
  '/leave': (stream) => {
    text(stream, 200, 'leaving');
    stream.session.close();
  },
};

function text(stream, status, words) {
  stream.respond({ ':status': status });
  stream.end(words);
}

function sized(stream, headers, octets) {
  const head = headers[':method'] === 'HEAD';
  stream.respond({ ':status': 200, 'content-length': octets }, { endStream: head });
  if (!head) stream.end(pattern(octets));
}

function serve(cert, key) {
  const server = cert
    ? http2.createSecureServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key), maxSessionMemory })
    : http2.createServer({ maxSessionMemory });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {}); // A client may cancel what it likes.
    const answer = ANSWERS[headers[':path']];
    answer ? answer(stream, headers) : text(stream, 404, 'no such path');
  });
  server.on('sessionError', () => {});
  server.listen(0, '127.0.0.1', () =>
    console.log(`listening on ${cert ? 'https' : 'http'}://127.0.0.1:${server.address().port}`));
}

// The client.

let session;
let base;
let options;

function connect() {
  session = http2.connect(base, options);
  session.on('error', () => {});
  session.on('goaway', () => (session.left = true));
}

// Sends a request; `body` is undefined for none, null for one that stays open.
function request(method, path, more = {}, body) {
  const stream = session.request({ ':method': method, ':path': path, ...more }, { endStream: body === undefined });
  stream.interim = [];
  stream.on('headers', (headers) => stream.interim.push(headers[':status']));
  stream.on('trailers', (headers) => (stream.trailers = headers));
  if (body) stream.end(body);
  return stream;
}

async function head(stream, status) {
  const [headers] = await once(stream, 'response');
  expect(headers[':status'] === status, `status ${headers[':status']} instead of ${status}`);
  return headers;
}

async function content(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function whole(stream, status, wanted) {
  const headers = await head(stream, status);
  const got = await content(stream);
  expect(got.equals(Buffer.from(wanted)), `${got.length} octets, or others, instead of ${wanted.length}`);
  return headers;
}

const get = () => whole(request('GET', '/1k'), 200, pattern(1 << 10));

const CELLS = {
  get,
  post: () => whole(request('POST', '/echo', {}, pattern(BIG)), 200, pattern(BIG)),
  trailers: async () => {
    const stream = request('GET', '/trailers');
    await whole(stream, 200, 'body');
    expect(stream.trailers?.['x-checksum'] === '42', 'no trailer');
  },
  'sent-trailers': async () => {
    const stream = session.request({ ':method': 'POST', ':path': '/echo' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-checksum': '43' }));
    stream.on('trailers', (headers) => (stream.trailers = headers));
    stream.end('checked');
    await whole(stream, 200, 'checked');
    expect(stream.trailers?.['x-checksum'] === '43', 'no trailer');
  },
  head: async () => {
    const headers = await whole(request('HEAD', '/1k'), 200, '');
    expect(headers['content-length'] === '1024', 'content-length is not 1024');
    await get();
  },
  '1xx': async () => {
    const stream = request('GET', '/hints');
    await whole(stream, 200, 'hinted');
    expect(stream.interim.join() === '103', `interim responses: ${stream.interim}`);
  },
  early: async () => {
    const stream = request('POST', '/early', {}, null);
    stream.write(pattern(1 << 10));
    await whole(stream, 413, 'early');
    await get();
  },
  large: async () => {
    const large = 'x'.repeat(12 << 10);
    const headers = await whole(request('GET', '/large', { 'x-large': large }), 200, '12288');
    expect(headers['x-large'] === large, 'the large field has not come back');
  },
  reset: async () => {
    const stream = request('GET', '/10m');
    await head(stream, 200);
    await once(stream, 'data');
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await once(stream, 'close');
    await get();
  },
  drain: async () => {
    const transfer = request('GET', '/10m');
    await head(transfer, 200);
    const leaver = session;
    const leaving = whole(request('GET', '/leave'), 200, 'leaving');
    await Promise.all([leaving, ...Array.from({ length: 20 }, get)]);
    const all = await content(transfer);
    expect(all.equals(pattern(BIG)), `${all.length} octets of ${BIG}, or others`);
    if (!leaver.left) await once(leaver, 'goaway');
    connect();
    await get();
  },
};

const [what, url, authority] = process.argv.slice(2);
if (what === 'serve') {
  serve(url, authority);
} else {
  base = url;
  options = { maxSessionMemory, ...(authority ? { ca: fs.readFileSync(authority) } : {}) };
  connect();
  const patience = setTimeout(() => {
    console.error('interop.js: was not done in time');
    process.exit(1);
  }, 30_000);
  CELLS[what]().then(
    () => {
      clearTimeout(patience);
      process.exit(0);
    },
    (error) => {
      console.error(`interop.js: ${error.message}`);
      process.exit(1);
    },
  );
}
