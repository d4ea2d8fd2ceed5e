// Every state of the bell as it looks: in light and dark, on a phone, from right to left. Each is left as a picture in
// build/screenshots, and held by its structure (docs/adr/0010): what it says and to whom, the same in every
// look and as it was accepted (tests/e2e/looks; CARILLON_ACCEPT_LOOKS=1 accepts anew); where its parts stand; that it is light or
// dark; what sticks out; axe-core; the policy.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { Server, eventually } from './harness.mjs';
import { Site, secret, sign } from './site.mjs';
import { BellTab, launch } from './sdk_browser.mjs';

const folder = new URL('../../build/screenshots/', import.meta.url).pathname;
const accepted = new URL('./looks/', import.meta.url).pathname;
const desktop = { width: 900, height: 680 };
const phone = { width: 390, height: 780 };
const looks = {
  light: { theme: 'light', dir: 'ltr', size: desktop },
  dark: { theme: 'dark', dir: 'ltr', size: desktop },
  phone: { theme: 'light', dir: 'ltr', size: phone },
  'phone-dark-rtl': { theme: 'dark', dir: 'rtl', size: phone },
  rtl: { theme: 'light', dir: 'rtl', size: desktop },
};

describe('the looks of the bell', () => {
  let server;
  let site;
  let browser;
  let context;
  let user;
  let tab;
  const acceptedNow = new Set();

  before(async () => {
    for (const each of [folder, accepted]) await mkdir(each, { recursive: true });
    server = await Server.start({ flags: ['--jwt-secret', secret] });
    server.creator = sign(randomUUID(), { permissions: ['notification:create'] });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    assert.equal(await server?.stop(), 0);
  });

  /** A page of a new user, before anything of him is asked for. */
  async function inside(prepare, body, { query = {}, allowed = null } = {}) {
    site = await Site.start(server);
    context = await browser.newContext({ locale: 'en-GB', deviceScaleFactor: 2, reducedMotion: 'reduce', viewport: desktop });
    user = randomUUID();
    try {
      await prepare();
      tab = await BellTab.open(context, site, { user, ...query });
      await body();
      await tab.checkPolicy();
      assert.deepEqual(tab.problems.filter((problem) => !allowed?.test(problem)), []);
    } finally {
      site.release?.();
      await context.close();
      await site.stop();
    }
  }

  const create = (title, more) => server.create(user, title, more);

  async function fill() {
    await create('Welcome to Nordlys', { body: 'Nice to have you here.' });
    await create('Table for two, 19:30', { body: 'Your reservation at Quán Bụi is confirmed.' });
    await create('Invoice 2026-118 was paid', {
      body: '€ 1,240.00 from Fjord & Co. The receipt is attached. The funds will be on your account within two working days, '
        + 'depending on your bank. If anything about this looks unfamiliar, write to us and we will look into it together.',
    });
    await create('<img src=x onerror=alert(1)> & <b>markup</b>', { body: '<script>alert(1)</script> is only text.' });
    await create(`A${'very'.repeat(20)}longword`);
    await create('ذكرتك لينا في «ملاحظات الإصدار»', { body: 'هل يمكنك مراجعة صياغة قسم الترحيل قبل الإطلاق؟' });
    await create('Your order is on its way', { body: 'Parcel 4 of 4 left the depot and arrives tomorrow before noon.', data: { url: '/orders/4' } });
    await create('Linh Trần mentioned you in “Release notes”', {
      body: '“Can you look at the wording of the migration section before we ship?”', data: { url: 'https://example.com/notes' },
    });
    const { body } = await server.request('GET', '/notifications', { token: sign(user) });
    for (const row of body.data.slice(4)) {
      await server.request('POST', `/notifications/${row.notificationId}/read`, { token: sign(user) });
    }
  }

  /** Nothing of the bell may stick out of the window, and nothing in it out of its box. */
  async function checkLayout(name) {
    const wrong = await tab.page.evaluate(() => {
      const wrong = [];
      const { clientWidth: width, clientHeight: height } = document.documentElement;
      if (document.documentElement.scrollWidth > width) wrong.push('the page scrolls sideways');
      const bell = document.querySelector('carillon-bell').shadowRoot;
      for (const part of bell.querySelectorAll('.trigger, .panel:not([hidden]), .toast')) {
        const box = part.getBoundingClientRect();
        if (box.width === 0) continue;
        if (box.left < -0.5 || box.top < -0.5 || box.right > width + 0.5 || box.bottom > height + 0.5) wrong.push(`${part.className} sticks out`);
      }
      const inbox = bell.querySelector('carillon-inbox')?.shadowRoot;
      for (const part of inbox?.querySelectorAll('.head, .notice, .scroll, .item, .quiet') ?? []) {
        if (part.scrollWidth > part.clientWidth + 1) wrong.push(`${part.className} overflows`);
      }
      // WCAG 2.2, 2.5.8: targets of at least 24 by 24.
      for (const target of [...bell.querySelectorAll('button, a'), ...(inbox?.querySelectorAll('button, a') ?? [])]) {
        const { width: w, height: h } = target.getBoundingClientRect();
        if (w > 0 && !target.matches('.toast-open') && (w < 24 || h < 24)) wrong.push(`${target.className} is a small target`);
      }
      return wrong;
    });
    assert.deepEqual(wrong, [], name);
  }

  /** What a reader of the accessibility tree gets, less what differs from run to run: times, days, the port, what was just said. */
  async function structure() {
    const [tree, times] = await Promise.all([
      tab.page.locator('carillon-bell').ariaSnapshot(),
      tab.page.evaluate(() => {
        const inbox = document.querySelector('carillon-bell').shadowRoot.querySelector('carillon-inbox')?.shadowRoot;
        return [...(inbox?.querySelectorAll('time, .day') ?? [])].map((each) => [each.textContent.trim(), each.matches('time') ? 'TIME' : 'DAY']);
      }),
    ]);
    let found = tree.replaceAll(site.url, '').replaceAll(/^- status: .*$/gm, '- status').replaceAll(/\d+ (?=new notifications)/g, 'N ');
    for (const [text, name] of new Map(times)) {
      const plain = text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
      found = found.replaceAll(new RegExp(`(?<=[ "])${plain}(?=[ ":]|$)`, 'gm'), name);
    }
    return `${found}\n`;
  }

  /** `apart`: a phone shows something else. */
  async function checkStructure(state, name, apart) {
    const file = `${accepted}${state}${apart && /phone/.test(name) ? '-phone' : ''}.yml`;
    const found = await structure();
    if (process.env.CARILLON_ACCEPT_LOOKS === '1' && !acceptedNow.has(file)) {
      acceptedNow.add(file);
      await writeFile(file, found);
    }
    assert.equal(found, await readFile(file, 'utf8'), `${state}, ${name}: not as accepted in ${file}`);
  }

  /** The parts stand where they belong, on the side that the direction says, and light is light. */
  async function checkPlaces(name, { theme, dir, size }) {
    const wrong = await tab.page.evaluate(({ theme, dir, phone }) => {
      const wrong = [];
      const rtl = dir === 'rtl';
      const bell = document.querySelector('carillon-bell').shadowRoot;
      const boxOf = (part) => {
        const box = part?.getBoundingClientRect();
        return box && box.width > 0 ? box : null;
      };
      const box = (selector, root = bell) => boxOf(root.querySelector(selector));
      const start = (of) => (rtl ? document.documentElement.clientWidth - of.right : of.left);
      const end = (of) => (rtl ? document.documentElement.clientWidth - of.left : of.right);
      const light = (element) => {
        const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
        canvas.fillStyle = getComputedStyle(element).backgroundColor;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
        return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
      };
      const trigger = box('.trigger');
      const icon = box('.bell');
      const badge = box('.badge');
      if (badge && !(badge.top < icon.top + icon.height / 2 && end(badge) > end(icon))) wrong.push('the badge is not at the upper end of the bell');
      const panel = bell.querySelector('.panel:not([hidden])');
      const at = boxOf(panel);
      if (at) {
        if (at.top < trigger.bottom - 8) wrong.push('the panel covers the bell');
        if (!phone && Math.abs(end(at) - end(trigger)) > 24) wrong.push('the panel does not hang at the bell');
        if (phone && at.width < document.documentElement.clientWidth - 40) wrong.push('the panel leaves a phone half empty');
        if (theme === 'dark' ? light(panel) > 0.25 : light(panel) < 0.9) wrong.push(`the panel is not ${theme}`);
        const inbox = bell.querySelector('carillon-inbox').shadowRoot;
        const title = box('.title', inbox);
        const readAll = box('[part=read-all]', inbox);
        if (readAll && start(readAll) <= start(title)) wrong.push('read-all is not behind the title');
        let below = -Infinity;
        for (const item of inbox.querySelectorAll('.item')) {
          const [dot, text, time, all] = [box('.dot', item), box('.item-title', item), box('time', item), boxOf(item)];
          if (dot && end(dot) > start(text)) wrong.push('the dot is not in front of its title');
          if (time && end(text) > start(time) + 1) wrong.push('the title runs into its time');
          if (all.top < below - 1) wrong.push('two rows overlap');
          below = all.bottom;
        }
      }
      const toasts = [...bell.querySelectorAll('.toast')].map(boxOf).filter(Boolean);
      for (const [n, toast] of toasts.entries()) {
        if (toast.bottom < document.documentElement.clientHeight / 3) wrong.push('a toast is not below');
        if (!phone && start(toast) < document.documentElement.clientWidth / 3) wrong.push('a toast is not at the end');
        if (n > 0 && toast.top < toasts[n - 1].bottom) wrong.push('two toasts overlap');
      }
      if (toasts.length > 0) {
        const toast = bell.querySelector('.toast');
        if (theme === 'dark' ? light(toast) > 0.25 : light(toast) < 0.9) wrong.push(`the toasts are not ${theme}`);
      }
      return wrong;
    }, { theme, dir, phone: size.width < 600 });
    assert.deepEqual(wrong, [], name);
  }

  async function look(state, { only = Object.keys(looks), act = async () => {}, apart = false } = {}) {
    for (const name of only) {
      const { theme, dir, size } = looks[name];
      await tab.page.setViewportSize(size);
      await tab.page.evaluate(([theme, dir]) => {
        document.documentElement.dataset.theme = theme;
        document.documentElement.dir = dir;
        window.dispatchEvent(new Event('resize'));
        return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      }, [theme, dir]);
      await act();
      await tab.page.screenshot({ path: `${folder}${state}-${name}.png` });
      await checkLayout(`${state}, ${name}`);
      await checkPlaces(`${state}, ${name}`, looks[name]);
      await checkStructure(state, name, apart);
      await tab.checkAxe(`${state}, ${name}`);
    }
  }

  test('the list', () => inside(fill, async () => {
    await tab.live();
    await look('bell', { only: ['light', 'dark'] });
    await tab.show();
    await tab.at('.item').first().waitFor();
    assert.equal(await tab.at('.item-title').nth(4).textContent(), '<img src=x onerror=alert(1)> & <b>markup</b>');
    await look('list');
    await look('hover', { only: ['light', 'dark'], act: () => tab.at('.item').nth(1).hover() });
    await tab.page.mouse.move(5, 300);
    await tab.page.keyboard.press('Tab');
    await tab.page.keyboard.press('Tab');
    await look('focus', { only: ['light', 'dark', 'rtl'] });
  }));

  test('in Vietnamese', () => inside(async () => {
    await create('Đơn hàng đang trên đường đến', { body: 'Kiện 4/4 đã rời kho và sẽ đến trước trưa mai.' });
    await create('Linh Trần đã nhắc đến bạn', { body: '“Bạn xem giúp ghi chú phát hành trước khi ra mắt nhé?”' });
  }, async () => {
    await tab.live();
    await tab.show();
    await tab.at('.item').first().waitFor();
    assert.equal(await tab.at('.title').textContent(), 'Thông báo');
    assert.equal(await tab.at('.trigger').getAttribute('aria-label'), 'Thông báo, 2 mục chưa đọc');
    await look('vietnamese', { only: ['light', 'phone'] });
  }, { query: { lang: 'vi' } }));

  test('nothing yet, and everything read', () => inside(async () => {}, async () => {
    await tab.live();
    await tab.show();
    await tab.at('[part=empty]').waitFor();
    await look('empty');
    await create('The first');
    await tab.at('.item').first().waitFor();
    await tab.at('[part=read-all]').click();
    await eventually('no badge is left', async () => (await tab.at('.badge').count()) === 0);
    await eventually('the inbox says so', async () => (await tab.at('.count').textContent()) === 'All read');
    await look('all-read', { only: ['light', 'dark'] });
  }));

  test('loading, more of it, and the end', () => inside(async () => {
    for (let i = 1; i <= 45; i += 1) await create(`Notification ${i}`, { body: 'Something has happened.' });
    site.slow = /^\/notifications$/;
  }, async () => {
    await tab.show();
    await tab.at('.skeleton').first().waitFor();
    await look('loading');
    site.slow = null;
    site.release();
    await tab.at('.item').first().waitFor();
    site.slow = /^\/notifications$/;
    await tab.page.setViewportSize(desktop);
    await tab.at('.scroll').evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await tab.until('it asks for more', async () => tab.page.evaluate(() => document.querySelector('carillon-bell').activeBell.state.loadingMore));
    await look('loading-more', { only: ['light', 'dark'] });
    site.slow = null;
    site.release();
    await eventually('all are there', async () => {
      await tab.at('.scroll').evaluate((list) => list.scrollTo(0, list.scrollHeight));
      return (await tab.at('.item').count()) === 45;
    });
    assert.equal(await tab.at('.spinner').count(), 0);
  }));

  test('older ones that cannot be had', () => inside(async () => {
    for (let i = 1; i <= 25; i += 1) await create(`Notification ${i}`);
  }, async () => {
    await tab.live();
    await tab.page.route('**/notifications?*', (route) => route.abort());
    await tab.show();
    await tab.at('.scroll').evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await tab.at('.more .text-button').waitFor();
    await look('more-failed', { only: ['light', 'phone-dark-rtl'] });
    await tab.page.unroute('**/notifications?*');
    await tab.at('.more .text-button').click();
    await eventually('they come', async () => (await tab.at('.item').count()) === 25);
  }, { allowed: /Failed to load resource/ }));

  test('without a connection, and with none at all', () => inside(fill, async () => {
    await tab.live();
    await tab.show();
    await tab.at('.item').first().waitFor();
    site.cut();
    await tab.at('.notice').waitFor();
    assert.match(await tab.at('.notice-text').textContent(), /Reconnecting/);
    await look('reconnecting');
    await context.setOffline(true);
    await eventually('it says so', async () => /offline/.test(await tab.at('.notice-text').textContent()));
    await look('offline');
    await context.setOffline(false);
    site.restore();
    await tab.live();
    await eventually('the notice goes', async () => (await tab.at('.notice').count()) === 0);
  }, { allowed: /Failed to load resource|WebSocket connection/ }));

  test('a server that does not answer', () => inside(async () => {
    site.pass = (request, response, pathname) => {
      if (pathname === '/carillon.js') return Site.prototype.pass.call(site, request, response, pathname);
      response.writeHead(502).end();
    };
    site.socketsPass = false;
  }, async () => {
    await tab.show();
    await tab.at('[part=error]').waitFor();
    await look('failed');
  }, { allowed: /Failed to load resource|WebSocket connection/ }));

  test('signed out, and no access', () => inside(async () => {
    site.tokenFor = () => null;
  }, async () => {
    await tab.show();
    await tab.at('[part=error]').waitFor();
    await look('signed-out');
    site.tokenFor = (id) => sign(id, { permissions: [] });
    await tab.at('.quiet .button').click();
    await eventually('it says why', async () => (await tab.at('.quiet-title').textContent()) === 'No access');
    await look('no-access', { only: ['light', 'dark'] });
  }, { allowed: /401/ }));

  test('a mark that is refused', () => inside(async () => {
    await fill();
    site.tokenFor = (id) => sign(id, { permissions: ['notification:read'] });
  }, async () => {
    await tab.live();
    await tab.show();
    await tab.at('[part=read-all]').click();
    await tab.at('.notice.is-error').waitFor();
    await look('refused', { only: ['light', 'dark', 'phone'] });
  }));

  test('toasts: one, three, a burst', () => inside(async () => {}, async () => {
    await tab.live();
    await create('Your order is on its way', { body: 'Parcel 4 of 4 left the depot and arrives tomorrow before noon.' });
    await tab.at('.toast').waitFor();
    await tab.at('.toast').hover();
    await create('Linh Trần mentioned you', { body: '“Can you look at the release notes?”', data: { url: '/notes' } });
    await eventually('two are there', async () => (await tab.at('.toast').count()) === 2);
    await look('toasts', { apart: true });
    await tab.page.mouse.move(5, 300);
    await Promise.all(Array.from({ length: 9 }, (_, i) => create(`n${i}`)));
    await eventually('one for all', async () => /^\d+ new notifications$/.test(await tab.at('.toast-title').first().textContent()));
    await tab.at('.toast').first().hover();
    await look('burst', { only: ['light', 'phone'] });
    await tab.at('.toast-open').first().click();
    await tab.at('.item').first().waitFor();
    assert.equal(await tab.at('.toast').count(), 0);
  }));

  test('many unread', () => inside(async () => {
    const internal = await server.internalToken();
    const notifications = Array.from({ length: 1_000 }, (_, i) => ({ userId: user, type: 'test', title: `n${i}` }));
    for (let i = 0; i < 3; i += 1) {
      const { status } = await server.request('POST', '/notification/bulk', { base: server.notificationsUrl, token: internal, body: { notifications } });
      assert.equal(status, 200);
    }
  }, async () => {
    await tab.live();
    await eventually('all are counted', async () => (await tab.at('.badge').textContent()) === '3,000');
    await look('many', { only: ['light', 'dark', 'rtl'] });
  }));
});
