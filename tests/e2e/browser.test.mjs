// The demo page in a real browser: two tabs of one user, one of another. Pictures of its states: build/screenshots/demo-*.png.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';
import { Server, eventually } from './harness.mjs';
import { launch } from './sdk_browser.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const pictures = new URL('../../build/screenshots/', import.meta.url).pathname;

describe('demo page', () => {
  let server;
  let browser;
  before(async () => {
    await mkdir(pictures, { recursive: true });
    server = await Server.start();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    assert.equal(await server?.stop(), 0);
  });

  const id = (page, name) => page.getByTestId(name);
  /** Inside the bell; playwright's selectors see through shadow roots. */
  const bell = (page, selector) => page.locator(`carillon-bell ${selector}`);
  const live = (page) => page.locator('[data-testid=connection][data-state=live]').waitFor();
  const ring = (page) => bell(page, '.trigger').click();
  const isRead = (page, nth = 0) => bell(page, 'li').nth(nth).evaluate((row) => row.classList.contains('is-read'));

  async function open(context, path = '/') {
    const page = await context.newPage();
    page.problems = [];
    page.on('pageerror', (error) => page.problems.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && page.problems.push(message.text()));
    page.requested = [];
    page.on('request', (request) => page.requested.push(`${request.method()} ${new URL(request.url()).pathname}`));
    await page.goto(server.url + path);
    return page;
  }

  async function register(page, name) {
    await id(page, 'auth-name').fill(name);
    await id(page, 'auth-email').fill(`${name.toLowerCase()}-${Date.now()}@example.test`);
    await id(page, 'auth-password').fill('correct horse battery');
    await id(page, 'auth-submit').click();
    await live(page);
  }

  const badge = (page, text) => eventually(`the badge says "${text}"`, async () => (await bell(page, '.badge').textContent()).trim() === text);
  const noBadge = (page) => eventually('no badge is left', async () => (await bell(page, '.badge').count()) === 0);

  const connections = () => server.metric('carillon_connections_active');

  test('register, the welcome rings, read in one tab and it is read in the other', async () => {
    const context = await browser.newContext({ locale: 'en-GB' });
    const strangers = await browser.newContext({ locale: 'vi-VN' });
    const a = await open(context);
    await register(a, 'Ada');
    await badge(a, '1');
    assert.match(await a.title(), /^\(1\)/);

    assert.equal(await connections(), 1);
    const [b] = await Promise.all([context.waitForEvent('page'), id(a, 'open-tab').click()]);
    await live(b);
    await badge(b, '1');

    assert.equal(await connections(), 1, 'the two tabs share one connection');

    const stranger = await open(strangers);
    await register(stranger, 'Eve');
    await badge(stranger, '1');

    b.requested = [];
    b.on('request', (request) => b.requested.push(`${request.method()} ${new URL(request.url()).pathname}`));
    await id(a, 'send-title').fill('<b>Dinner</b> at 8?');
    await id(a, 'send-body').fill('Bring <i>nothing</i>');
    await id(a, 'send-submit').click();
    await badge(a, '2');
    await badge(b, '2');
    await bell(b, '.toast').first().waitFor();
    assert.match(await b.title(), /^\(2\)/);
    assert.deepEqual(b.requested, [], 'the other tab asks for nothing');

    await ring(b);
    const item = bell(b, '.item').first();
    await item.waitFor();
    assert.equal(await bell(b, '.item-title').first().textContent(), '<b>Dinner</b> at 8?');
    assert.equal(await isRead(b), false);
    await item.click();
    await eventually('it is read', () => isRead(b));
    await badge(a, '1');
    await ring(a);
    await eventually('and in the other tab', () => isRead(a));
    // The inbox on the page says the same as the one in the bell.
    assert.deepEqual(await a.locator('[data-testid=inbox] .item-title').allTextContents(), await bell(a, '.item-title').allTextContents());

    await bell(a, '[part=read-all]').click();
    for (const page of [a, b]) {
      await noBadge(page);
      assert.ok(!/^\(/.test(await page.title()));
    }
    await badge(stranger, '1');
    for (const page of [a, stranger]) assert.deepEqual(page.problems, []);
    await context.close();
    await strangers.close();
  });

  test('the tab notices a restart of the server and is current afterwards', async () => {
    const context = await browser.newContext();
    const page = await open(context);
    await register(page, 'Grace');
    await badge(page, '1');
    await server.kill();
    await eventually('it says so', async () => (await id(page, 'connection').getAttribute('data-state')) !== 'live');
    await server.launch();
    await live(page);
    await id(page, 'send-title').fill('After the restart');
    await id(page, 'send-submit').click();
    await badge(page, '2');
    await context.close();
  });

  test('keyboard alone is enough', async () => {
    const context = await browser.newContext();
    const page = await open(context);
    await register(page, 'Kay');
    await badge(page, '1');
    const focused = (wanted) => eventually(`the focus is on ${wanted}`, () => page.evaluate((selector) => {
      let at = document.activeElement;
      while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
      return at?.matches(selector);
    }, wanted));
    await bell(page, '.trigger').focus();
    await page.keyboard.press('Enter');
    await focused('.panel');
    await page.keyboard.press('Tab');
    await focused('.text-button');
    await page.keyboard.press('Tab');
    await focused('.item');
    await page.keyboard.press('Enter');
    await eventually('it is read', () => isRead(page));
    await page.keyboard.press('Escape');
    await focused('.trigger');
    assert.equal(await bell(page, '.panel').isVisible(), false);
    await context.close();
  });

  // The session of any user, taken up by the page from where it keeps one.
  async function signedIn(context, userId) {
    const token = await server.token(userId, '--permission', 'notification:read', '--permission', 'notification:update');
    const session = { token, userId, email: 'quiet@example.test', name: 'Quiet', expiresAt: Date.now() + 3_000_000 };
    // Once: a session that has ended stays so.
    await context.addInitScript((value) => localStorage.getItem('carillon.session') ?? localStorage.setItem('carillon.session', value), JSON.stringify(session));
  }

  const settled = (page) => page.evaluate(() => document.fonts.ready.then(() => Promise.all(
    document.getAnimations().filter((each) => each.effect.getComputedTiming().endTime !== Infinity).map((each) => each.finished.catch(() => 0)))));

  async function assertAccessible(page, state, look) {
    await settled(page);
    await page.screenshot({ path: `${pictures}demo-${state.replace(/\W+/g, '-')}-${look.picture}.png` });
    await page.evaluate(`${axe}; 0`);
    const found = await page.evaluate(async () => {
      const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
      return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')} — ${node.failureSummary}`));
    });
    assert.deepEqual(found, [], `axe, ${state}`);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(overflow, 0, `${state} scrolls sideways by ${overflow} px`);
  }

  const desktop = { width: 1280, height: 800 };
  const looks = {
    'light, English, desktop': { picture: 'light', colorScheme: 'light', locale: 'en-GB', viewport: desktop },
    'dark, English, desktop': { picture: 'dark', colorScheme: 'dark', locale: 'en-GB', viewport: desktop },
    'light, Vietnamese, phone': { picture: 'phone', colorScheme: 'light', locale: 'vi-VN', viewport: { width: 390, height: 844 } },
    'dark, Vietnamese, small phone': { picture: 'small-phone-dark', colorScheme: 'dark', locale: 'vi-VN', viewport: { width: 320, height: 640 } },
    'light, right to left, desktop': { picture: 'rtl', dir: 'rtl', colorScheme: 'light', locale: 'en-GB', viewport: desktop },
    'dark, right to left, phone': { picture: 'phone-dark-rtl', dir: 'rtl', colorScheme: 'dark', locale: 'en-GB', viewport: { width: 390, height: 844 } },
  };
  async function contextOf({ picture, dir, ...options }) {
    const context = await browser.newContext({ ...options, reducedMotion: 'reduce' });
    await context.addInitScript((direction) => document.addEventListener('DOMContentLoaded', () => (document.documentElement.dir = direction)), dir ?? 'ltr');
    return context;
  }
  for (const [name, look] of Object.entries(looks)) {
    test(`accessible in every state (${name})`, async () => {
      const context = await contextOf(look);
      const page = await open(context);
      await assertAccessible(page, 'signed out', look);
      await id(page, 'auth-email').fill('nobody');
      await id(page, 'auth-submit').click();
      await assertAccessible(page, 'refused by the form', look);
      await register(page, 'Axel');
      await bell(page, '.toast').first().waitFor();
      await assertAccessible(page, 'a toast', look);
      await id(page, 'send-title').fill('Read me');
      await id(page, 'send-submit').click();
      await badge(page, '2');
      await ring(page);
      await bell(page, '.item').first().waitFor();
      await assertAccessible(page, 'inbox open', look);
      await bell(page, '.item').first().click();
      await badge(page, '1');
      await assertAccessible(page, 'one read, one not', look);
      await context.setOffline(true);
      await page.evaluate(() => window.dispatchEvent(new Event('offline')));
      await eventually('it says that it is offline', async () => (await id(page, 'connection').getAttribute('data-state')) !== 'live', 60_000);
      await assertAccessible(page, 'offline, inbox open', look);
      await context.close();

      const quiet = await contextOf(look);
      await signedIn(quiet, randomUUID());
      const empty = await open(quiet);
      await live(empty);
      await ring(empty);
      await bell(empty, '.quiet-title').waitFor();
      await assertAccessible(empty, 'empty inbox', look);
      await quiet.close();
    });
  }

  test('what others wrote is text, never markup', async () => {
    const user = randomUUID();
    const context = await browser.newContext({ locale: 'en-GB' });
    await signedIn(context, user);
    const page = await open(context);
    await live(page);
    const attack = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>';
    await server.create(user, attack, { body: `${attack}<b>bold</b>`, type: '<i>t</i>', data: { url: '/?<script>' } });
    const toast = bell(page, '.toast').first();
    await toast.waitFor();
    assert.equal(await toast.locator('.toast-title').textContent(), attack);
    await ring(page);
    await bell(page, '.item').first().waitFor();
    assert.equal(await bell(page, '.item-title').first().textContent(), attack);
    assert.equal(await bell(page, '.item-body').first().textContent(), `${attack}<b>bold</b>`);
    assert.equal(await page.locator('carillon-bell, carillon-inbox, .log').locator('img, script, b, i').count(), 0);
    assert.match(await id(page, 'event-log').textContent(), /onerror/);
    assert.equal(await page.evaluate(() => window.hit), undefined);
    assert.deepEqual(page.problems, []);
    await context.close();
  });

  test('a session that the server does not take ends in every tab, and says why', async () => {
    const context = await browser.newContext({ locale: 'en-GB' });
    const a = await open(context);
    await register(a, 'Edda');
    await a.evaluate(() => {
      const session = JSON.parse(localStorage.getItem('carillon.session'));
      localStorage.setItem('carillon.session', JSON.stringify({ ...session, token: `${session.token.slice(0, -6)}AAAAAA` }));
    });
    await a.reload();
    await id(a, 'auth-form').waitFor();
    for (const page of [a, await open(context)]) {
      assert.match(await page.locator('.form-notice').textContent(), /no longer valid/);
      assert.match(await id(page, 'auth-email').inputValue(), /^edda-/);
    }
    await eventually('nobody is connected', async () => (await connections()) === 0);
    await context.close();
  });

  test('signing out in one tab signs out all, and the bell is another one for the next user', async () => {
    const context = await browser.newContext({ locale: 'en-GB' });
    const a = await open(context);
    await register(a, 'First');
    await badge(a, '1');
    const b = await open(context);
    await live(b);
    await id(a, 'sign-out').click();
    for (const page of [a, b]) await id(page, 'auth-form').waitFor();
    await eventually('nobody is connected', async () => (await connections()) === 0);
    await id(a, 'auth-toggle').click();
    await register(a, 'Second');
    await badge(a, '1');
    await ring(a);
    await eventually('it is the welcome of the second', async () => /Hello Second/.test(await bell(a, '.item-body').first().textContent()));
    await live(b);
    assert.deepEqual(a.problems.filter((problem) => !/401/.test(problem)), []);
    await context.close();
  });

  test('a user stays signed in by the refresh cookie, which another user beside it does not take over', async () => {
    const context = await browser.newContext({ locale: 'en-GB' });
    const page = await open(context);
    const kept = () => page.evaluate(() => JSON.parse(localStorage.getItem('carillon.session')));
    // As if the token were that old: the page goes by what it keeps.
    const ageTo = (left) => page.evaluate((milliseconds) => {
      const session = JSON.parse(localStorage.getItem('carillon.session'));
      localStorage.setItem('carillon.session', JSON.stringify({ ...session, expiresAt: Date.now() + milliseconds }));
    }, left);
    const cookies = async () => (await context.cookies(`${server.url}/auth`)).filter(({ name }) => name === 'carillon_refresh');
    await register(page, 'Mary');
    await badge(page, '1');
    const first = await kept();
    assert.equal((await cookies())[0].httpOnly, true);
    const beside = await open(context, '/?as=elsewhere');
    await register(beside, 'Nell');
    await beside.close();

    await ageTo(-1_000);
    await page.reload();
    await live(page);
    const second = await kept();
    assert.equal(second.userId, first.userId);
    assert.notEqual(second.token, first.token);

    await ageTo(3_000);
    await page.reload();
    await live(page);
    const third = await eventually('the token is renewed while the page is open', async () => {
      const session = await kept();
      return session.token !== second.token && session;
    });
    assert.equal(third.userId, first.userId);
    assert.ok(third.expiresAt > Date.now() + 60_000);
    await id(page, 'send-title').fill('Still here');
    await id(page, 'send-submit').click();
    await badge(page, '2');

    await id(page, 'sign-out').click();
    await id(page, 'auth-form').waitFor();
    await eventually('the cookie is gone', async () => (await cookies()).length === 0);
    assert.deepEqual(page.problems, []);
    await context.close();
  });

  test('a link opens beside the demo, and what the bell tells and is told is in the log', async () => {
    const context = await browser.newContext({ locale: 'en-GB' });
    const page = await open(context);
    await register(page, 'Lena');
    await id(page, 'send-url').fill('/?as=elsewhere');
    await id(page, 'send-submit').click();
    await badge(page, '2');
    await ring(page);
    const [beside] = await Promise.all([context.waitForEvent('page'), bell(page, '.item').first().click()]);
    // A page that has just been opened has no address yet.
    await eventually('it is where the link leads', () => beside.url() === `${server.url}/?as=elsewhere`);
    await badge(page, '1');
    const names = await page.locator('.log-name').allTextContents();
    for (const name of ['connection: connection', 'event: new', 'event: count', 'called: read']) assert.ok(names.includes(name), `${name}: ${names}`);
    assert.match(await id(page, 'code-page').textContent(), new RegExp(`^<script src="${server.url}/carillon.js\\?v=[0-9.]+"></script>\n<carillon-bell url="${server.url}" `));
    await context.close();
  });

  test('every stop of the Tab key shows where it is, and the order is that of the screen', async () => {
    const context = await browser.newContext({ locale: 'en-GB' });
    const page = await open(context);
    await register(page, 'Tabitha');
    await badge(page, '1');
    await page.reload();
    await live(page);
    await badge(page, '1');
    const stops = [];
    for (let n = 0; n < 40; n += 1) {
      await page.keyboard.press('Tab');
      await settled(page);
      const stop = await page.evaluate(() => {
        let element = document.activeElement;
        if (element === document.body) return null;
        while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
        const style = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && !/, 0\)$/.test(style.outlineColor);
        return {
          name: element.dataset.testid ?? element.getAttribute('href') ?? element.classList[0],
          visible: ring || style.boxShadow !== 'none',
          inView: box.bottom > 0 && box.top < innerHeight && box.width > 0 && box.height > 0,
        };
      });
      if (stop === null) break;
      stops.push(stop);
    }
    for (const stop of stops) assert.ok(stop.visible && stop.inView, `focus is not seen on ${stop.name}`);
    const names = stops.map((stop) => stop.name);
    const expected = ['#main', 'lang-toggle', 'theme-toggle', 'trigger', 'sign-out', 'send-title', 'send-body', 'send-type', 'send-url',
      'send-submit', 'open-tab', 'open-other', 'text-button', 'item', 'event-log'];
    assert.deepEqual(names.filter((name) => expected.includes(name)), expected, names.join(' '));
    await context.close();
  });

  test('a screen reader hears what arrives, and what the bell is called', async () => {
    const context = await browser.newContext({ locale: 'en-GB' });
    const page = await open(context);
    await register(page, 'Iris');
    await badge(page, '1');
    assert.equal(await bell(page, '.trigger').getAttribute('aria-label'), 'Notifications, 1 unread');
    await eventually('the arrival is said', async () => (await bell(page, '[role=status].announcement').textContent()) === 'New notification: Welcome to Carillon');
    assert.equal(await id(page, 'connection').getAttribute('role'), 'status');
    await ring(page);
    await page.getByRole('dialog', { name: 'Notifications' }).waitFor();
    assert.equal(await bell(page, '.trigger').getAttribute('aria-expanded'), 'true');
    assert.match(await bell(page, '.item').first().textContent(), /^\s*Unread\./);
    await id(page, 'lang-toggle').click();
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'vi');
    await eventually('the bell speaks it, too', async () => /chưa đọc/.test(await bell(page, '.trigger').getAttribute('aria-label')));
    await context.close();
  });

  test('who asked for less motion gets none', async () => {
    const context = await browser.newContext({ reducedMotion: 'reduce' });
    const page = await open(context);
    const moving = () => page.evaluate(() => document.getAnimations().filter((each) => {
      const { duration, iterations } = each.effect.getComputedTiming();
      return duration > 20 || iterations === Infinity;
    }).length);
    assert.equal(await moving(), 0);
    await register(page, 'Still');
    await bell(page, '.toast').first().waitFor();
    assert.equal(await moving(), 0);
    await context.close();
  });
});
