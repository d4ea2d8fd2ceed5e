// Takes the README's picture anew: node docs/images/demo.mjs (after ./dev build). The real page on the real binary: the
// same user on a light and a dark desktop and on a phone, put together by the browser that took them.
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Server, eventually } from '../../tests/e2e/harness.mjs';
import { launch } from '../../tests/e2e/sdk_browser.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const story = [
  ['The nightly build is green', 'All checks passed. Nothing is waiting for you.'],
  ['Your order is on its way', 'Parcel 4 of 4 left the depot and arrives tomorrow before noon.'],
  ['Linh mentioned you', '“Can you look at the release notes before we ship?”'],
];

const server = await Server.start();
const browser = await launch();
const id = (page, name) => page.getByTestId(name);
const bell = (page, selector) => page.locator(`carillon-bell ${selector}`);

async function open(session, viewport, colorScheme, locale) {
  const context = await browser.newContext({ viewport, colorScheme, locale, deviceScaleFactor: 2, reducedMotion: 'reduce' });
  if (session) await context.addInitScript((value) => localStorage.setItem('carillon.session', value), session);
  const page = await context.newPage();
  await page.goto(server.url);
  return page;
}

const live = (page) => page.locator('[data-testid=connection][data-state=live]').waitFor();
const dark = await open(null, { width: 1120, height: 700 }, 'dark', 'en-GB');
await id(dark, 'auth-name').fill('Ada');
await id(dark, 'auth-email').fill('ada@example.test');
await id(dark, 'auth-password').fill('correct horse battery');
await id(dark, 'auth-submit').click();
await live(dark);
const session = await dark.evaluate(() => localStorage.getItem('carillon.session'));
const user = JSON.parse(session).userId;
for (const [title, body] of story) await server.create(user, title, { body, type: 'demo.message' });
const light = await open(session, { width: 1120, height: 700 }, 'light', 'en-GB');
const phone = await open(session, { width: 390, height: 780 }, 'light', 'vi-VN');
for (const page of [light, phone]) {
  await live(page);
  await eventually('the count', async () => (await bell(page, '.badge').textContent()) === '4');
}
await bell(light, '.trigger').click();
await bell(light, '.item').nth(1).click();
for (const page of [dark, light, phone]) await eventually('all agree', async () => (await bell(page, '.badge').textContent()) === '3');
await server.create(user, 'Table for two, 19:30', { body: 'Your reservation at Quán Bụi is confirmed.', type: 'demo.message' });
for (const page of [dark, phone]) await bell(page, '.toast').last().waitFor();
await eventually('it is in the open inbox', async () => (await bell(light, '.item').count()) === 5);
await light.mouse.move(20, 400);
for (const page of [dark, light, phone]) await page.evaluate(() => document.fonts.ready);
const shot = async (page) => `data:image/png;base64,${(await page.screenshot()).toString('base64')}`;
const [lightShot, darkShot, phoneShot] = [await shot(light), await shot(dark), await shot(phone)];

const board = await (await browser.newContext({ viewport: { width: 1200, height: 720 }, deviceScaleFactor: 1.5 })).newPage();
await board.setContent(`<style>
  body { margin: 0; height: 720px; position: relative; overflow: hidden; background: linear-gradient(160deg, #cfe3da, #eef3ea 55%, #f3e6c4); }
  img { position: absolute; border-radius: 14px; box-shadow: 0 0 0 1px rgb(10 40 34 / 14%), 0 30px 60px -18px rgb(10 40 34 / 45%); }
  .dark { width: 840px; right: 36px; top: 36px; } .light { width: 800px; left: 36px; bottom: 36px; }
  .phone { width: 238px; right: 66px; bottom: 36px; border-radius: 26px; border: 7px solid #12241f; background: #12241f; box-sizing: border-box; }
</style><img class="dark" src="${darkShot}"><img class="light" src="${lightShot}"><img class="phone" src="${phoneShot}">`);
await board.evaluate(() => Promise.all([...document.images].map((image) => image.decode())));
await writeFile(join(here, 'demo.png'), await board.screenshot());
await browser.close();
await server.stop();
