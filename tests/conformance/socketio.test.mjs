// What Socket.IO v5 asks of a server, against the program that greets and echoes, on one thread and on two.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { io } from 'socket.io-client';
import { eventually } from '../e2e/harness.mjs';
import { WebSocketWire, request } from '../e2e/wire.mjs';
import { startProgram, threadCounts } from './program.mjs';

const connectTimeout = 1_000;

for (const threads of threadCounts) {
  describe(`socket.io on ${threads} thread${threads > 1 ? 's' : ''}`, { concurrency: false }, () => {
    let program;
    before(async () => (program = await startProgram('socketio', { threads })));
    after(async () => assert.equal(await program.stop(), 0));

    const engine = async () => {
      const wire = await WebSocketWire.open(program.port, '/socket.io/?EIO=4&transport=websocket');
      assert.match(await wire.next(), /^0\{/);
      return wire;
    };
    const connected = async () => {
      const wire = await engine();
      wire.send('40');
      assert.match(await wire.nextPacket(), /^40\{"sid":"[\w-]+"\}$/);
      assert.equal(await wire.nextPacket(), '42["auth",{}]');
      return wire;
    };

    describe('connect', () => {
      for (const [what, packet, answer, event] of [
        ['the main namespace', '40', '40', '42["auth",{}]'],
        ['the main namespace by its name', '40/,{"a":1}', '40', '42["auth",{"a":1}]'],
        ['the main namespace with a payload', '40{"token":"123"}', '40', '42["auth",{"token":"123"}]'],
        ['another namespace', '40/custom,', '40/custom,', '42/custom,["auth",{}]'],
        ['another namespace without a comma', '40/custom', '40/custom,', '42/custom,["auth",{}]'],
        ['another namespace with a payload', '40/custom,{"token":"abc"}', '40/custom,', '42/custom,["auth",{"token":"abc"}]'],
      ]) {
        test(`to ${what}`, async () => {
          const wire = await engine();
          wire.send(packet);
          const reply = await wire.nextPacket();
          assert.ok(reply.startsWith(answer), reply);
          const payload = JSON.parse(reply.slice(answer.length));
          assert.deepEqual(Object.keys(payload), ['sid'], 'no pid');
          assert.equal(typeof payload.sid, 'string');
          assert.equal(await wire.nextPacket(), event);
          wire.close();
        });
      }

      test('to an unknown namespace is refused, and the connection stays', async () => {
        const wire = await engine();
        wire.send('40/random');
        assert.equal(await wire.nextPacket(), '44/random,{"message":"Invalid namespace"}');
        wire.send('40');
        assert.match(await wire.nextPacket(), /^40/);
        wire.close();
      });

      for (const packet of ['4abc', '42["early"]', '40["array"]', '40"text"', '41']) {
        test(`${packet} instead closes the connection`, async () => {
          const wire = await engine();
          wire.send(packet);
          assert.equal(await wire.closed(), null);
        });
      }

      test('must come in time', async () => {
        const wire = await engine();
        const start = performance.now();
        // Pongs keep the heartbeat content.
        await assert.rejects(wire.nextPacket());
        const waited = performance.now() - start;
        assert.ok(waited > connectTimeout - 50, `after ${waited} ms`);
      });

      test('must come in time over polling too', async () => {
        const path = '/socket.io/?EIO=4&transport=polling';
        const { sid } = JSON.parse((await request(program.port, path)).text.slice(1));
        const packets = [];
        await eventually('the end of the session', async () => {
          const { status, text } = await request(program.port, `${path}&sid=${sid}`);
          if (status !== 200) return true;
          packets.push(...text.split('\x1e'));
          if (text.includes('2')) await request(program.port, `${path}&sid=${sid}`, { method: 'POST', body: '3' });
          return false;
        });
        assert.equal(packets.at(-1), '1');
      });
    });

    describe('disconnect', () => {
      test('from the main namespace leaves the connection', async () => {
        const wire = await connected();
        wire.send('41');
        assert.equal(await wire.next(), '2');
        wire.send('3', '40');
        assert.match(await wire.nextPacket(), /^40/);
        wire.close();
      });

      test('from another namespace leaves the main one', async () => {
        const wire = await connected();
        wire.send('40/custom');
        assert.match(await wire.nextPacket(), /^40\/custom,/);
        assert.equal(await wire.nextPacket(), '42/custom,["auth",{}]');
        wire.send('41/custom', '42["message","still here"]');
        assert.equal(await wire.nextPacket(), '42["message-back","still here"]');
        wire.close();
      });
    });

    describe('events', () => {
      for (const [what, sent, expected] of [
        ['a text', ['42["message",1,"2",{"3":[true]}]'], ['42["message-back",1,"2",{"3":[true]}]']],
        ['bytes', ['452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])],
          ['452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])]],
        ['an acknowledgement', ['42456["message-with-ack",1,"2",{"3":[false]}]'], ['43456[1,"2",{"3":[false]}]']],
        ['an acknowledgement without arguments', ['427["message-with-ack"]'], ['437[]']],
        ['an acknowledgement with bytes', ['452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])],
          ['462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])]],
      ]) {
        test(`with ${what}`, async () => {
          const wire = await connected();
          wire.send(...sent);
          for (const message of expected) assert.deepEqual(await wire.nextPacket(), message);
          wire.close();
        });
      }

      for (const [what, packet] of [
        ['an unknown packet type', '4abc'], ['a payload that is no array', '42{}'], ['an empty array', '42[]'],
        ['an ack id that is no number', '42abc["message-with-ack",1]'], ['broken JSON', '42["message"'],
        ['bytes that nobody announced', Buffer.from([1])], ['a second CONNECT', '40'], ['a namespace that was not joined', '42/custom,["x"]'],
      ]) {
        test(`${what} closes the connection`, async () => {
          const wire = await connected();
          wire.send(packet);
          assert.equal(await wire.closed(), null);
        });
      }

      test('a stock client sees the same', async () => {
        for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
          const client = io(`http://127.0.0.1:${program.port}`, { transports, forceNew: true, auth: { token: 'x' } });
          const seen = [];
          client.onAny((...args) => seen.push(args));
          await eventually('the client connects', () => client.connected);
          client.emit('message', 'a', Buffer.from([7]));
          assert.deepEqual(await client.emitWithAck('message-with-ack', 1, 2).catch(() => 'several'), 1);
          await eventually('both events', () => seen.length >= 2);
          assert.deepEqual(seen.sort(([a], [b]) => (a < b ? -1 : 1)), [['auth', { token: 'x' }], ['message-back', 'a', Buffer.from([7])]]);
          client.disconnect();
        }
      });
    });
  });
}
