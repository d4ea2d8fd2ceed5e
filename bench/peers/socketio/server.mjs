// Nothing but `socket.io` and a NATS client: what any gateway on Node has to do at least. A token in the handshake is verified
// (HS256), the socket joins its user's room, and each `notification.created` goes to that room as it is: no validation, no
// order, no acknowledgement, no store. Its packages are those of ../nestjs.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../nestjs/package.json', import.meta.url));
const { Server } = createRequire(require.resolve('@nestjs/platform-socket.io'))('socket.io');
const { connect, StorageType } = require('nats');

function userOf(token) {
  const [head, body, signature] = String(token).split('.');
  const wanted = createHmac('sha256', process.env.JWT_SECRET).update(`${head}.${body}`).digest();
  const given = Buffer.from(signature ?? '', 'base64url');
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw new Error('unauthorized');
  return JSON.parse(Buffer.from(body, 'base64url')).sub;
}

const http = createServer((request, response) => response.end('ok'));
const io = new Server(http, { serveClient: false });
io.use((socket, next) => {
  try {
    socket.join(userOf(socket.handshake.auth.token));
    next();
  } catch {
    next(new Error('unauthorized'));
  }
});
// As its documentation advises: the upgrade request is not kept.
io.engine.on('connection', (connection) => { connection.request = null; });

const nats = await connect({ servers: process.env.NATS_URL });
const manager = await nats.jetstreamManager();
await manager.streams.add({ name: 'NOTIFICATION_EVENT', subjects: ['notification.>'], storage: StorageType.File });
const consumer = await nats.jetstream().consumers.get('NOTIFICATION_EVENT');
const messages = await consumer.consume();
http.listen(Number(process.env.PORT), '127.0.0.1');
for await (const message of messages) {
  const event = message.json();
  io.to(event.userId).emit('notification:new', event);
}
