// The files of the binary, byte by byte as they travel: plain, gzipped, and not at all when the client has them.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { Server } from './harness.mjs';

const { version } = JSON.parse(await readFile(new URL('../../clients/elements/package.json', import.meta.url), 'utf8'));

describe('static files', () => {
  let server;
  before(async () => (server = await Server.start()));
  after(async () => assert.equal(await server?.stop(), 0));

  /** Without anything that decodes on the way. */
  async function get(path, headers = {}) {
    const asked = request(server.url + path, { headers, agent: false });
    asked.end();
    const [answer] = await once(asked, 'response');
    const parts = [];
    for await (const part of answer) parts.push(part);
    return { status: answer.statusCode, headers: answer.headers, bytes: Buffer.concat(parts) };
  }

  const varies = ({ headers }) => (headers.vary ?? '').split(/\s*,\s*/).includes('Accept-Encoding');

  for (const path of ['/carillon.js', '/', '/app.js', '/styles.css', '/asyncapi.json', '/openapi.json']) {
    test(`${path} is sent gzipped to those who take it, and plain to the others`, async () => {
      const plain = await get(path);
      const gzipped = await get(path, { 'accept-encoding': 'gzip, deflate, br, zstd' });
      assert.deepEqual([plain.status, gzipped.status], [200, 200]);
      assert.equal(plain.headers['content-encoding'], undefined);
      assert.equal(gzipped.headers['content-encoding'], 'gzip');
      for (const answer of [plain, gzipped]) {
        assert.ok(varies(answer));
        assert.equal(Number(answer.headers['content-length']), answer.bytes.length);
        assert.equal(answer.headers['cache-control'], 'no-cache');
      }
      assert.deepEqual(gunzipSync(gzipped.bytes), plain.bytes);
      assert.ok(gzipped.bytes.length < plain.bytes.length * 0.6, `${gzipped.bytes.length} of ${plain.bytes.length}`);
      assert.equal(gzipped.headers['content-type'], plain.headers['content-type']);
      console.log(`${path}: ${plain.bytes.length} bytes, ${gzipped.bytes.length} gzipped`);

      assert.notEqual(gzipped.headers.etag, plain.headers.etag);
      for (const [form, encoding] of [[plain, 'identity'], [gzipped, 'gzip']]) {
        const again = await get(path, { 'accept-encoding': encoding, 'if-none-match': form.headers.etag });
        assert.equal(again.status, 304);
        assert.equal(again.bytes.length, 0);
        assert.equal(again.headers.etag, form.headers.etag);
        assert.ok(varies(again));
      }
      assert.deepEqual((await get(path, { 'accept-encoding': 'gzip;q=0, *' })).bytes, plain.bytes);
    });
  }

  test('the script of a version may be kept for ever, also gzipped, and is told apart by its URL', async () => {
    for (const encoding of ['gzip', 'identity']) {
      const { status, headers } = await get(`/carillon.js?v=${version}`, { 'accept-encoding': encoding });
      assert.equal(status, 200);
      assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
      assert.equal(headers['cross-origin-resource-policy'], 'cross-origin');
    }
    assert.equal((await get('/carillon.js?v=0.0.9')).headers['cache-control'], 'no-cache');
  });

  test('the page names its files by their content, and all of them may be kept for ever', async () => {
    const page = (await get('/')).bytes.toString();
    const styles = (await get('/styles.css')).bytes.toString();
    const named = [...page.matchAll(/(?:src|href)="(\/[^"#]+)"/g), ...styles.matchAll(/url\("?([^")]+)"?\)/g)]
      .map(([, path]) => new URL(path, `${server.url}/styles.css`))
      .filter(({ protocol }) => protocol === 'http:');
    assert.ok(named.length > 8, String(named));
    for (const { pathname, search } of named) {
      const { status, headers, bytes } = await get(pathname + search, { 'accept-encoding': 'gzip' });
      assert.equal(status, 200, pathname);
      assert.ok(bytes.length > 0);
      assert.match(headers['cache-control'], /immutable/, `${pathname}${search}`);
      if (pathname.endsWith('.woff2')) assert.equal(headers['content-encoding'], undefined);
    }
  });
});
