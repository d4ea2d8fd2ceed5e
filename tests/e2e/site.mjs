// Somebody's web app with the bell in it: serves its page and its users' tokens, passes the rest on to the gateway, and can
// spoil the network in between. Its policy is the strictest that an app may have: default-src 'self'.
import { createServer, request as httpRequest } from 'node:http';
import { createHmac, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { once } from 'node:events';

export const secret = 'the-secret-of-the-end-to-end-tests-0123456789';

const styles = `
:root { color-scheme: light; font-family: system-ui, sans-serif; }
:root[data-theme=dark] { color-scheme: dark; }
body { margin: 0; background: light-dark(#fafafa, #101314); color: light-dark(#16191a, #e8ecec); }
header { display: flex; align-items: center; gap: 18px; padding: 10px 24px; border-bottom: 1px solid light-dark(#e6e6e6, #272b2c);
  background: light-dark(#fff, #15191a); }
header b { flex: 1; font-size: 18px; }
main { padding: 24px; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 16px; }
.cards div { height: 130px; border: 1px solid light-dark(#e6e6e6, #272b2c); border-radius: 12px; background: light-dark(#fff, #181c1d); }
`;

function page(query) {
  const lang = query.get('lang') ?? 'en';
  return `<!doctype html>
<html lang="${lang}" dir="${query.get('dir') ?? 'ltr'}" data-theme="${query.get('theme') ?? 'light'}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Nordlys Studio</title>
<link rel="stylesheet" href="/site.css">
<header><b>Nordlys Studio</b><carillon-bell url="/" token-url="/token?user=${query.get('user')}"></carillon-bell></header>
<main><h1>Projects</h1><div class="cards"><div></div><div></div><div></div><div></div></div><a href="#end">The end</a></main>
<script src="/carillon.js"></script>
</html>`;
}

/** A user token as an app's back end signs it. */
export function sign(user, { seconds = 3600, permissions = ['notification:read', 'notification:update'] } = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: user, iss: 'carillon', aud: 'carillon', iat: now, exp: now + seconds, jti: randomUUID(), permissions };
  const body = `${part({ alg: 'HS256', typ: 'at+jwt' })}.${part(claims)}`;
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

export class Site {
  /** To a gateway that was started with `--jwt-secret` and `secret`. */
  static async start(gateway) {
    const site = new Site();
    site.gateway = gateway;
    site.tokens = [];
    site.requests = [];
    site.sockets = new Set();
    site.webSockets = 0;
    /** up; cut: connections break and none are made; hole: everything vanishes, and nobody is told. */
    site.network = 'up';
    /** False: as where a firewall lets only plain HTTP through. */
    site.socketsPass = true;
    /** How a token is made: null for nobody signed in. */
    site.tokenFor = (user) => sign(user);
    /** More pages of the app, by path: [type, text]. */
    site.extra = {};
    /** Holds back answers whose path matches. */
    site.slow = null;
    site.http = createServer((request, response) => site.serve(request, response));
    site.http.on('upgrade', (request, socket, head) => site.upgrade(request, socket, head));
    site.http.on('connection', (socket) => {
      site.sockets.add(socket);
      socket.on('close', () => site.sockets.delete(socket));
      socket.on('error', () => {});
      if (site.network === 'cut') socket.destroy();
    });
    site.http.listen(0, '127.0.0.1');
    await once(site.http, 'listening');
    site.url = `http://127.0.0.1:${site.http.address().port}`;
    return site;
  }

  cut() {
    this.network = 'cut';
    for (const socket of this.sockets) socket.destroy();
  }

  /** What is open now stays lost for ever, as after a night with a closed lid. */
  sleep() {
    this.network = 'hole';
    for (const socket of this.sockets) socket.lost = true;
  }

  restore() {
    this.network = 'up';
  }

  async stop() {
    for (const socket of this.sockets) socket.destroy();
    this.http.close();
    await once(this.http, 'close');
  }

  serve(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    const own = { '/': 'text/html', '/site.css': 'text/css', '/token': 'text/plain' }[pathname];
    if (pathname !== '/' && pathname !== '/site.css') this.requests.push(`${request.method} ${pathname}`);
    if (this.network === 'hole' || request.socket.lost) return;
    if (this.extra?.[pathname] !== undefined) {
      const [type, body] = this.extra[pathname];
      return response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'content-security-policy': "default-src 'self'" }).end(body);
    }
    if (pathname === '/favicon.ico') return response.writeHead(204).end();
    if (own === undefined) return this.pass(request, response, pathname);
    const headers = { 'content-type': `${own}; charset=utf-8`, 'content-security-policy': "default-src 'self'", 'cache-control': 'no-store' };
    if (pathname !== '/token') return response.writeHead(200, headers).end(pathname === '/' ? page(searchParams) : styles);
    const token = this.tokenFor(searchParams.get('user'));
    this.tokens.push(token);
    if (token === null) response.writeHead(401).end();
    else response.writeHead(200, headers).end(token);
  }

  async pass(request, response, pathname) {
    if (!this.socketsPass && pathname.startsWith('/socket.io')) return response.writeHead(403).end();
    if (this.slow?.test(pathname)) await new Promise((resolve) => (this.release = resolve));
    const { hostname, port } = new URL(this.gateway.url);
    const onward = httpRequest({ hostname, port, method: request.method, path: request.url, headers: request.headers });
    onward.on('response', (answer) => {
      if (this.network === 'hole' || request.socket.lost) return;
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.headersSent || response.writeHead(502).end());
    request.pipe(onward);
  }

  upgrade(request, socket, head) {
    if (this.network === 'hole') return;
    if (!this.socketsPass) return socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    const { hostname, port } = new URL(this.gateway.url);
    const onward = connect(Number(port), hostname);
    this.webSockets += 1;
    const fields = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
    onward.write(`${request.method} ${request.url} HTTP/1.1\r\n${fields}\r\n`);
    onward.write(head);
    onward.on('data', (bytes) => socket.lost || socket.write(bytes));
    socket.on('data', (bytes) => socket.lost || onward.write(bytes));
    socket.on('close', () => onward.destroy());
    onward.on('close', () => socket.lost || socket.destroy());
    onward.on('error', () => {});
  }
}
