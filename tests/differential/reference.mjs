// The reference server as a program with the flags and the output of differential_server.cpp, which does the same.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { Server } from 'socket.io';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, 'max-payload': { type: 'string' }, threads: { type: 'string' } },
});
const http = createServer();
const io = new Server(http, { serveClient: false, maxHttpBufferSize: Number(values['max-payload']), cors: { origin: '*' } });

// An ack callback is handed over as the last argument; it is not one of the client's.
const isValue = (value) => typeof value !== 'function';

function serve(socket) {
  socket.emit('auth', socket.handshake.auth);
  socket.on('message', (...args) => socket.emit('message-back', ...args.filter(isValue)));
  socket.on('message-with-ack', (...args) => {
    const ack = args.at(-1);
    if (typeof ack === 'function') ack(...args.slice(0, -1));
  });
  socket.on('leave', () => socket.disconnect());
  socket.on('kick', () => socket.disconnect(true));
  socket.on('ask', (...args) => {
    socket.emit('question', ...args.filter(isValue), (...answer) => socket.emit('answered', ...answer));
  });
  socket.on('disconnect', (reason) => console.log(`disconnect ${socket.id} ${reason}`));
}

io.on('connection', serve);
io.of('/custom').on('connection', serve);
io.of('/shy')
  .use((socket, next) => {
    if (JSON.stringify(socket.handshake.auth).includes('please')) return next();
    next(Object.assign(new Error('say "please"'), { data: { code: 'E1' } }));
  })
  .on('connection', serve);
http.listen(Number(values.port), '127.0.0.1', () => console.log(`listening on ${http.address().port}`));
// Not io.close(): that waits half a minute for sessions that were left behind.
process.on('SIGTERM', () => process.exit(0));
