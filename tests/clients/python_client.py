"""python-socketio against the conformance server. Prints one line per check that held; ends with 1 at the first that did not.

    python_client.py URL sync|async default|polling|websocket
"""
import asyncio
import queue
import sys
import threading

import socketio

URL, KIND, MODE = sys.argv[1:4]
TRANSPORTS = None if MODE == 'default' else [MODE]
BURST = 300
BYTES = bytes(range(256)) * 50
TEXT = 'ünïcödé € 😀 "\\\n'


def check(holds, what, got=None):
    if not holds:
        print(f'not so: {what}: {got!r}', flush=True)
        sys.exit(1)
    print(f'ok {what}', flush=True)


def expected_transport(client):
    wanted = 'polling' if MODE == 'polling' else 'websocket'
    check(client.eio.transport() == wanted, f'transport is {wanted}', client.eio.transport())


def run_sync():
    inbox, greetings, gone = queue.Queue(), queue.Queue(), threading.Event()
    client = socketio.Client(reconnection=False)
    client.on('message-back', lambda *args: inbox.put(args))
    client.on('auth', greetings.put)
    client.on('auth', lambda auth: greetings.put(('custom', auth)), namespace='/custom')
    client.on('disconnect', gone.set)
    client.connect(URL, transports=TRANSPORTS, auth={'token': 'jwt'}, namespaces=['/', '/custom'], wait_timeout=10)
    both = [greetings.get(timeout=10), greetings.get(timeout=10)]
    check({'token': 'jwt'} in both and ('custom', {'token': 'jwt'}) in both, 'greetings in both namespaces', both)
    expected_transport(client)

    client.emit('message', ({'a': [1, None, True, -2.5]}, TEXT))
    check(inbox.get(timeout=10) == ({'a': [1, None, True, -2.5]}, TEXT), 'values come back')
    check(client.call('message-with-ack', {'n': 1}, timeout=10) == {'n': 1}, 'an ack')
    client.emit('message', (BYTES, {'deep': b'\x01\x02'}))
    check(inbox.get(timeout=10) == (BYTES, {'deep': b'\x01\x02'}), 'bytes come back')
    check(client.call('message-with-ack', BYTES, timeout=10) == BYTES, 'bytes in an ack')
    for n in range(BURST):
        client.emit('message', n)
    got = [inbox.get(timeout=10)[0] for _ in range(BURST)]
    check(got == list(range(BURST)), f'{BURST} messages in order', got)
    check(client.call('message-with-ack', 'alive', timeout=10) == 'alive', 'an ack after the burst')
    client.disconnect()
    check(gone.wait(10), 'goodbye')


async def run_async():
    inbox, greetings, gone = asyncio.Queue(), asyncio.Queue(), asyncio.Event()
    client = socketio.AsyncClient(reconnection=False)
    client.on('message-back', lambda *args: inbox.put_nowait(args))
    client.on('auth', greetings.put_nowait)
    client.on('auth', lambda auth: greetings.put_nowait(('custom', auth)), namespace='/custom')
    client.on('disconnect', gone.set)

    async def soon(waiting):
        return await asyncio.wait_for(waiting, 10)

    await client.connect(URL, transports=TRANSPORTS, auth={'token': 'jwt'}, namespaces=['/', '/custom'], wait_timeout=10)
    both = [await soon(greetings.get()), await soon(greetings.get())]
    check({'token': 'jwt'} in both and ('custom', {'token': 'jwt'}) in both, 'greetings in both namespaces', both)
    expected_transport(client)

    await client.emit('message', ({'a': [1, None, True, -2.5]}, TEXT))
    check(await soon(inbox.get()) == ({'a': [1, None, True, -2.5]}, TEXT), 'values come back')
    check(await client.call('message-with-ack', {'n': 1}, timeout=10) == {'n': 1}, 'an ack')
    await client.emit('message', (BYTES, {'deep': b'\x01\x02'}))
    check(await soon(inbox.get()) == (BYTES, {'deep': b'\x01\x02'}), 'bytes come back')
    check(await client.call('message-with-ack', BYTES, timeout=10) == BYTES, 'bytes in an ack')
    for n in range(BURST):
        await client.emit('message', n)
    got = [(await soon(inbox.get()))[0] for _ in range(BURST)]
    check(got == list(range(BURST)), f'{BURST} messages in order', got)
    check(await client.call('message-with-ack', 'alive', timeout=10) == 'alive', 'an ack after the burst')
    await client.disconnect()
    await soon(gone.wait())
    check(True, 'goodbye')


if KIND == 'sync':
    run_sync()
else:
    asyncio.run(run_async())
