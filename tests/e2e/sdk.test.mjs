// The SDK in a real browser, against the real server, through a network that can be spoilt.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Server, eventually } from './harness.mjs';
import { Site, secret, sign } from './site.mjs';
import { BellTab, launch } from './sdk_browser.mjs';
import { bundle } from '../../contracts/asyncapi.mjs';

const full = process.env.CARILLON_FULL === '1';
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

describe('the SDK in a browser', () => {
  let server;
  let site;
  let browser;
  let context;
  let user;

  before(async () => {
    server = await Server.start({ flags: ['--jwt-secret', secret] });
    server.creator = sign(randomUUID(), { permissions: ['notification:create'] });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    assert.equal(await server?.stop(), 0);
  });

  async function inside(body) {
    site = await Site.start(server);
    context = await browser.newContext({ locale: 'en-GB' });
    user = randomUUID();
    try {
      await body();
    } finally {
      await context.close();
      await site.stop();
    }
  }

  const open = async (query = {}) => BellTab.open(context, site, { user, ...query });
  const connections = () => server.metric('carillon_connections_active');
  const noneLeft = () => eventually('the connections of the test before are gone', async () => (await connections()) === 0);

  test('twenty tabs: one connection, one list request, the same picture', { timeout: 120_000 }, () => inside(async () => {
    await noneLeft();
    await server.create(user, 'first');
    const tabs = [];
    for (let i = 0; i < 20; i += 1) tabs.push(await open());
    for (const tab of tabs) await tab.live();
    assert.equal(await connections(), 1);
    assert.equal(site.webSockets, 1);
    assert.equal(site.requests.filter((request) => request === 'GET /notifications').length, 1);
    const row = await server.create(user, 'second');
    for (const tab of tabs) await tab.until('both are there', (state) => state.count === 2 && state.titles.length === 2);
    await tabs[19].page.evaluate((id) => document.querySelector('carillon-bell').activeBell.read(id), row.notificationId);
    for (const tab of tabs) await tab.until('one is read', (state) => state.count === 1 && state.unread[0] === 'first');
    assert.equal(await connections(), 1);
    assert.deepEqual(tabs.flatMap((tab) => tab.problems), []);
  }));

  test('the leader is closed: another one leads within a second, and nothing is missed', () => inside(async () => {
    await noneLeft();
    await server.create(user, 'before');
    const tabs = [await open(), await open(), await open()];
    for (const tab of tabs) await tab.live();
    const requests = site.requests.length;
    const leader = tabs.find((tab) => tab.leads);
    const others = tabs.filter((tab) => tab !== leader);
    assert.equal(tabs.filter((tab) => tab.leads).length, 1);
    await leader.page.close();
    const closed = performance.now();
    await server.create(user, 'between');
    await eventually('another one leads', () => others.some((tab) => tab.leads), 1_000);
    const moved = performance.now() - closed;
    console.log(`the connection moved in ${moved.toFixed(0)} ms`);
    assert.ok(moved < 1_000);
    await server.create(user, 'after');
    for (const tab of others) {
      const state = await tab.until('all three are there', ({ titles, connection }) => titles.length === 3 && connection === 'live');
      assert.deepEqual(state.titles, ['after', 'between', 'before']);
      assert.equal(state.count, 3);
    }
    await eventually('one connection is left', async () => (await connections()) === 1);
    assert.deepEqual(site.requests.slice(requests), [], 'the new leader goes on from where the old one was');
  }));

  test('a hundred notifications arrive with no HTTP request', () => inside(async () => {
    const tab = await open();
    await tab.live();
    const requests = site.requests.length;
    for (let i = 0; i < 100; i += 1) await server.create(user, `n${i}`);
    await tab.until('all are there', (state) => state.count === 100 && state.titles.length === 100);
    await eventually('the badge says so', async () => (await tab.at('.badge').textContent()) === '100');
    assert.deepEqual(site.requests.slice(requests), []);
    assert.equal(site.webSockets, 1);
    await tab.checkPolicy();
  }));

  test(`the network is cut for ${full ? 'a minute' : 'some seconds'}: marks wait, and what was missed arrives`, { timeout: 120_000 }, () => inside(async () => {
    const rows = [];
    for (const title of ['a', 'b', 'c']) rows.push(await server.create(user, title));
    const tab = await open();
    await tab.live();
    site.cut();
    await tab.until('it notices', (state) => state.connection === 'reconnecting');
    await tab.page.evaluate((id) => void document.querySelector('carillon-bell').activeBell.read(id), rows[0].notificationId);
    await tab.until('the mark is shown', (state) => state.count === 2);
    await server.create(user, 'missed');
    await wait(full ? 60_000 : 5_000);
    assert.equal((await server.request('GET', '/notifications/unread-count', { token: sign(user) })).body.count, 4);
    site.restore();
    const state = await tab.until('all is well', ({ connection, titles }) => connection === 'live' && titles.length === 4, 40_000);
    assert.deepEqual(state.titles, ['missed', 'c', 'b', 'a']);
    await eventually('the mark has reached the server', async () =>
      (await server.request('GET', '/notifications/unread-count', { token: sign(user) })).body.count === 3);
    assert.deepEqual((await tab.until('the count agrees', ({ count }) => count === 3)).unread, ['missed', 'c', 'b']);
  }));

  test('the laptop sleeps, and its token and its connection end meanwhile', { timeout: 90_000 }, () => inside(async () => {
    await noneLeft();
    let seconds = 6;
    site.tokenFor = (id) => sign(id, { seconds });
    const tab = await open();
    await tab.live();
    const closed = await server.metric('carillon_disconnections_total');
    // The lid closes: not even the server's goodbye arrives.
    site.sleep();
    await eventually('the server has ended it', async () => (await server.metric('carillon_disconnections_total')) > closed, 20_000);
    await server.create(user, 'in the night');
    seconds = 3_600;
    const tokens = site.tokens.length;
    const before = await tab.state();
    assert.equal(before.count, 0);
    site.restore();
    await tab.page.evaluate(() => window.sleepFor(8 * 3_600_000));
    const woken = performance.now();
    const state = await tab.until('it is well', ({ connection, titles }) => connection === 'live' && titles.length === 1, 30_000);
    const took = performance.now() - woken;
    console.log(`well ${(took / 1000).toFixed(1)} s after it woke`);
    assert.ok(took < 20_000);
    assert.equal(state.count, 1);
    assert.ok(site.tokens.length > tokens, 'a fresh token was asked for');
    await eventually('one connection', async () => (await connections()) === 1);
  }));

  test('a token that ends is renewed over the living connection', () => inside(async () => {
    site.tokenFor = (id) => sign(id, { seconds: 4 });
    const tab = await open();
    await tab.live();
    await wait(9_000);
    assert.equal(site.webSockets, 1);
    assert.ok(site.tokens.length >= 3 && site.tokens.length <= 14, String(site.tokens.length));
    await server.create(user, 'still there');
    await tab.until('it arrives', (state) => state.titles[0] === 'still there');
  }));

  test('the server is killed and starts again', () => inside(async () => {
    await server.create(user, 'before');
    const tabs = [await open(), await open()];
    for (const tab of tabs) await tab.live();
    await server.kill();
    await tabs[0].until('it notices', (state) => state.connection !== 'live');
    await server.launch();
    await server.create(user, 'after');
    for (const tab of tabs) {
      const state = await tab.until('it is back', ({ connection, titles }) => connection === 'live' && titles.length === 2, 40_000);
      assert.equal(state.count, 2);
    }
    await eventually('one connection', async () => (await connections()) === 1);
    const [all, syncs] = [await server.metric('carillon_connections_total'), await server.metric('carillon_messages_received_total', { event: 'notification:sync' })];
    assert.deepEqual([all, syncs], [1, 0], 'the server has sent what was missed by itself');
  }));

  test('a leader whose page is frozen loses the lead to the tab that is looked at', { timeout: 60_000 }, () => inside(async () => {
    await noneLeft();
    const tabs = [await open(), await open()];
    for (const tab of tabs) await tab.live();
    const leader = tabs.find((tab) => tab.leads);
    const other = tabs.find((tab) => tab !== leader);
    // Nothing of the page runs any more, but it holds on to all that it has: as a phone freezes a tab.
    const devtools = await context.newCDPSession(leader.page);
    await devtools.send('Debugger.enable');
    await devtools.send('Debugger.pause');
    await eventually('the other one leads', () => other.leads, 20_000);
    await server.create(user, 'while frozen');
    await other.until('it hears', (state) => state.titles[0] === 'while frozen');
    await devtools.send('Debugger.resume');
    await leader.until('the thawed one follows', (state) => state.titles[0] === 'while frozen');
    await eventually('one connection', async () => (await connections()) === 1);
  }));

  test('where sockets are blocked REST takes over, until they are let through', { timeout: 90_000 }, () => inside(async () => {
    site.socketsPass = false;
    const row = await server.create(user, 'a');
    const tab = await open();
    const state = await tab.until('REST takes over', ({ connection }) => connection === 'fallback', 30_000);
    assert.deepEqual(state.titles, ['a']);
    await tab.page.evaluate((id) => document.querySelector('carillon-bell').activeBell.read(id), row.notificationId);
    assert.equal((await server.request('GET', '/notifications/unread-count', { token: sign(user) })).body.count, 0);
    site.socketsPass = true;
    await tab.until('the socket is back', ({ connection }) => connection === 'live', 60_000);
  }));

  test('nobody signed in, and a token without the permission: it stops, and asks no more', () => inside(async () => {
    site.tokenFor = () => null;
    const tab = await open();
    await tab.until('it stops', (state) => state.connection === 'stopped' && state.error === 'unauthorized');
    site.tokenFor = (id) => sign(id, { permissions: ['notification:update'] });
    await tab.show();
    await tab.at('.quiet .button').click();
    await tab.until('it stops again', (state) => state.connection === 'stopped' && state.error === 'forbidden');
    const asked = [site.tokens.length, site.webSockets, site.requests.length];
    await wait(3_000);
    assert.deepEqual([site.tokens.length, site.webSockets, site.requests.length], asked);
    assert.equal(tab.warnings.length, 1, 'nobody signed in is no news to a developer');
    assert.match(tab.warnings[0], /^Carillon: stopped by forbidden\. /);
    site.tokenFor = (id) => sign(id);
    await tab.at('.quiet .button').click();
    await tab.live();
  }));

  test('what was set up wrongly is said on the console, once: another secret, no route for tokens', () => inside(async () => {
    site.tokenFor = (id) => sign(id).replace(/.{8}$/, 'AAAAAAAA');
    const wrong = await open();
    await wrong.until('it stops', (state) => state.connection === 'stopped' && state.error === 'token_invalid');
    await eventually('it is said', () => wrong.warnings.length > 0);
    assert.deepEqual(wrong.warnings.map((text) => text.replace(/\. .*/, '')), ['Carillon: stopped by token_invalid']);
    await wrong.page.close();

    site.tokenFor = (id) => sign(id);
    const lost = new BellTab(await context.newPage());
    await lost.page.route('**/token?*', (route) => route.fulfill({ status: 404 }));
    await lost.page.goto(`${site.url}/?user=${user}`);
    await eventually('it is said', () => lost.warnings.length > 0);
    await eventually('it is asked again', () => lost.problems.filter((problem) => /404/.test(problem)).length >= 3, 15_000);
    assert.equal(lost.warnings.length, 1);
    assert.match(lost.warnings[0], /getToken has failed.* \/token\?user=\S+ answers 404/);
    await lost.page.unroute('**/token?*');
    await lost.live();
  }));

  test('a token that may not mark: the mark is taken back and an apology shown', () => inside(async () => {
    site.tokenFor = (id) => sign(id, { permissions: ['notification:read'] });
    await server.create(user, 'stays unread');
    const tab = await open();
    await tab.live();
    await tab.show();
    await tab.at('.item').first().click();
    await tab.at('.notice.is-error').waitFor();
    await tab.until('it is unread again', (state) => state.count === 1 && state.unread.length === 1);
  }));

  test('thirty marks at once pass the rate limit of ten a second', () => inside(async () => {
    for (let i = 0; i < 20; i += 1) await server.create(user, `n${i}`);
    const tab = await open();
    await tab.live();
    const refused = await tab.page.evaluate(async () => {
      const { activeBell } = document.querySelector('carillon-bell');
      const marks = [...activeBell.notifications, ...activeBell.notifications.slice(0, 10)].map(({ notificationId }) => activeBell.read(notificationId));
      return (await Promise.allSettled(marks)).filter(({ status }) => status === 'rejected').length;
    });
    assert.equal(refused, 0);
    await tab.until('all are read', (state) => state.count === 0 && state.unread.length === 0);
    assert.equal((await server.request('GET', '/notifications/unread-count', { token: sign(user) })).body.count, 0);
  }));

  test('another user in another tab has a bell of his own', () => inside(async () => {
    const mine = await open();
    const his = await BellTab.open(context, site, { user: randomUUID() });
    await mine.live();
    await his.live();
    await server.create(user, 'private');
    await mine.until('it arrives', (state) => state.count === 1);
    assert.deepEqual((await his.state()).titles, []);
  }));

  test('keyboard alone is enough', () => inside(async () => {
    for (const title of ['one', 'two', 'three']) await server.create(user, title, { data: { url: `#${title}` } });
    const tab = await open();
    await tab.live();
    const { keyboard } = tab.page;
    const focused = () => tab.page.evaluate(() => {
      let at = document.activeElement;
      while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
      return at?.closest('li')?.querySelector('.item-title')?.textContent ?? at?.className ?? '';
    });
    await keyboard.press('Tab');
    assert.match(await focused(), /trigger/);
    await keyboard.press('Enter');
    await eventually('the panel has the focus', async () => (await focused()) === 'panel');
    await keyboard.press('Tab');
    assert.match(await focused(), /text-button/);
    await keyboard.press('Tab');
    assert.equal(await focused(), 'three');
    for (const [key, title] of [['ArrowDown', 'two'], ['End', 'one'], ['ArrowDown', 'one'], ['Home', 'three'], ['ArrowDown', 'two']]) {
      await keyboard.press(key);
      assert.equal(await focused(), title, key);
    }
    // The row's own button, and back into the list by one Tab.
    await keyboard.press('Tab');
    assert.equal(await tab.page.evaluate(() => document.querySelector('carillon-bell').shadowRoot.activeElement.shadowRoot.activeElement.className), 'read');
    await keyboard.press('Enter');
    await tab.until('it is read', ({ unread }) => !unread.includes('two'));
    assert.equal(await focused(), 'two');
    await keyboard.press('ArrowDown');
    await keyboard.press('Enter');
    await tab.until('it is read, too', ({ unread }) => unread.length === 1);
    assert.equal(new URL(tab.page.url()).hash, '#one');
    await eventually('the panel is closed', async () => !(await tab.at('.panel').isVisible()));
    await tab.at('.trigger').focus();
    await keyboard.press('Enter');
    await eventually('it is open again', () => tab.at('.panel').isVisible());
    await keyboard.press('Escape');
    assert.match(await focused(), /trigger/);
    assert.equal(await tab.at('.panel').isVisible(), false);
    assert.equal(await tab.at('.trigger').getAttribute('aria-expanded'), 'false');
    // Out of the panel by Tab: it closes behind one.
    await keyboard.press('Enter');
    for (let i = 0; i < 8 && await tab.at('.panel').isVisible(); i += 1) await keyboard.press('Tab');
    assert.equal(await tab.at('.panel').isVisible(), false);
    assert.equal(await tab.page.evaluate(() => document.activeElement.textContent), 'The end');
  }));

  test('a burst is announced once, and nothing else is', () => inside(async () => {
    await server.create(user, 'before');
    const tab = await open();
    await tab.live();
    await tab.page.evaluate(() => {
      window.said = [];
      const region = document.querySelector('carillon-bell').shadowRoot.querySelector('.announcement');
      new MutationObserver(() => region.textContent && window.said.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true });
    });
    for (let i = 0; i < 20; i += 1) await server.create(user, `n${i}`);
    await eventually('it is said', () => tab.page.evaluate(() => window.said.length > 0));
    await server.create(user, 'single');
    await eventually('the single one is said', () => tab.page.evaluate(() => window.said.at(-1) === 'New notification: single'));
    const said = await tab.page.evaluate(() => window.said);
    assert.ok(said.length <= 3, said.join());
    assert.match(said[0], /^\d+ new notifications$/);
  }));

  test('an app makes it its own: custom properties, parts, theme, and a language of its own from right to left', () => inside(async () => {
    await server.create(user, 'one');
    const tab = await open();
    await tab.live();
    // By the constructed sheets that the policy lets a page have: as its own style sheet would say it.
    await tab.page.evaluate(() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(`
        carillon-bell { --carillon-accent: rgb(1, 2, 3); --carillon-badge: rgb(4, 5, 6); --carillon-surface: rgb(250, 251, 252);
          --carillon-panel-width: 500px; --carillon-bell-size: 40px; --carillon-font: monospace; }
        carillon-bell::part(badge) { border-radius: 3px; }
        carillon-bell::part(item-title) { letter-spacing: 2px; }`);
      document.adoptedStyleSheets = [sheet];
      window.Carillon.addMessages('ar', { title: 'الإشعارات', bell: (n) => `الإشعارات، ${n} غير مقروء`, readAll: 'تعليم الكل كمقروء' });
      document.documentElement.lang = 'ar';
      document.documentElement.dir = 'rtl';
      document.querySelector('carillon-bell').requestUpdate();
    });
    await tab.show();
    await tab.at('.item').first().waitFor();
    const style = (selector, name) => tab.at(selector).first().evaluate((part, property) => getComputedStyle(part)[property], name);
    assert.equal(await style('.dot', 'backgroundColor'), 'rgb(1, 2, 3)');
    assert.equal(await style('.badge', 'backgroundColor'), 'rgb(4, 5, 6)');
    assert.equal(await style('.badge', 'borderTopLeftRadius'), '3px');
    assert.equal(await style('.panel', 'backgroundColor'), 'rgb(250, 251, 252)');
    assert.equal(await style('.panel', 'width'), '500px');
    assert.equal(await style('.bell', 'width'), '40px');
    assert.equal(await style('.item-title', 'fontFamily'), 'monospace');
    assert.equal(await style('.item-title', 'letterSpacing'), '2px');
    assert.equal(await tab.at('.title').textContent(), 'الإشعارات');
    assert.match(await tab.at('.trigger').getAttribute('aria-label'), /غير مقروء/);
    // What the dictionary leaves out is English, not missing.
    assert.equal(await tab.at('.read').first().getAttribute('aria-label'), 'Mark as read');
    assert.equal(await style('.panel', 'direction'), 'rtl');
    assert.equal(await style('.panel', 'colorScheme'), 'light');
    await tab.page.evaluate(() => document.querySelector('carillon-bell').setAttribute('theme', 'dark'));
    assert.equal(await style('.panel', 'colorScheme'), 'dark');
    await tab.checkPolicy();
  }));

  test('the page may take the link over, and move the element about', () => inside(async () => {
    await server.create(user, 'linked', { data: { url: '/elsewhere' } });
    const tab = await open();
    await tab.live();
    await tab.page.evaluate(() => {
      document.addEventListener('carillon-open', (event) => {
        window.opened = [event.detail.url, event.detail.notification.title];
        event.preventDefault();
      });
      document.querySelector('main').append(document.querySelector('carillon-bell'));
    });
    await tab.show();
    await tab.at('.item').click();
    assert.deepEqual(await tab.page.evaluate(() => window.opened), [`${site.url}/elsewhere`, 'linked']);
    assert.equal(new URL(tab.page.url()).pathname, '/');
    await tab.until('it is read', (state) => state.count === 0);
    assert.equal(site.webSockets, 1);
    await tab.page.evaluate(() => document.querySelector('carillon-bell').remove());
    await eventually('an element that is gone has no connection', async () => (await connections()) === 0);
  }));

  test('/asyncapi.json is the document of contracts/, and declares what travels', async () => {
    const { status, body, headers } = await server.request('GET', '/asyncapi.json');
    assert.equal(status, 200);
    assert.match(headers.get('content-type'), /^application\/json/);
    assert.deepEqual(body, JSON.parse(JSON.stringify(bundle())));
    const id = randomUUID();
    const tab = await server.connect(sign(id, { seconds: 30 })).connected();
    const row = await server.create(id, 'x');
    await tab.emit('notification:read', { notificationId: row.notificationId });
    tab.socket.emit('notification:read', { notificationId: 'no id' });
    for (const name of ['unreadCount:updated', 'notification:new', 'notification:updated', 'auth:expiring', 'error']) await tab.event(name);
    const declared = Object.values(body.channels.socket.messages).map(({ name }) => name);
    for (const { name } of tab.events) assert.ok(declared.includes(name), name);
    tab.close();
  });

  test('carillon.js is one script of at most 48 KB gzipped', async () => {
    const { status, body, headers } = await server.request('GET', '/carillon.js?v=0.1.0');
    assert.equal(status, 200);
    assert.match(headers.get('cache-control'), /immutable/);
    const bytes = gzipSync(body, { level: 9 }).length;
    console.log(`carillon.js: ${body.length} bytes, ${bytes} gzipped`);
    assert.ok(bytes > 10_000 && bytes <= 48 * 1024, String(bytes));
  });
});
