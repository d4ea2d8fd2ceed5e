// Makes docs/images/bell.png, the picture of the elements in the README: the bell of one user on a desktop, a dark phone and a
// phone in Vietnamese, from the real server. node docs/images/bell.mjs
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Server } from '../../tests/e2e/harness.mjs';
import { BellTab, launch } from '../../tests/e2e/sdk_browser.mjs';
import { Site, secret, sign } from '../../tests/e2e/site.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const server = await Server.start({ flags: ['--jwt-secret', secret] });
server.creator = sign(randomUUID(), { permissions: ['notification:create'] });
const site = await Site.start(server);
const browser = await launch();

const english = [
  ['Welcome to Nordlys', 'Nice to have you here. This is where your team rings.', true],
  ['Table for two, 19:30', 'Your reservation at Quán Bụi is confirmed.', true],
  ['The nightly build is green', 'All checks passed. Nothing is waiting for you.', true],
  ['Invoice 2026-118 was paid', '€ 1,240.00 from Fjord & Co. The receipt is attached to the invoice.', false],
  ['Your order is on its way', 'Parcel 4 of 4 left the depot and arrives tomorrow before noon.', false],
  ['Linh Trần mentioned you in “Release notes”', '“Can you look at the wording of the migration section before we ship?”', false],
];
const vietnamese = [
  ['Chào mừng đến Nordlys', 'Rất vui được gặp bạn.', true],
  ['Bàn hai người, 19:30', 'Quán Bụi đã xác nhận chỗ của bạn.', true],
  ['Bản dựng đêm qua đã đạt', 'Mọi kiểm tra đều qua. Không có việc gì đang chờ bạn.', false],
  ['Đơn hàng đang trên đường đến', 'Kiện 4/4 đã rời kho và sẽ đến trước trưa mai.', false],
  ['Linh Trần đã nhắc đến bạn', '“Bạn xem giúp ghi chú phát hành trước khi ra mắt nhé?”', false],
];

async function shoot(rows, query, viewport) {
  const user = randomUUID();
  for (const [title, body, read] of rows) {
    const { notificationId } = await server.create(user, title, { body });
    if (read) await server.request('POST', `/notifications/${notificationId}/read`, { token: sign(user) });
  }
  const context = await browser.newContext({ viewport, deviceScaleFactor: 2, locale: query.lang === 'vi' ? 'vi-VN' : 'en-GB', reducedMotion: 'reduce' });
  const tab = await BellTab.open(context, site, { user, ...query });
  await tab.live();
  await tab.show();
  await tab.at('.item').first().waitFor();
  const picture = (await tab.page.screenshot()).toString('base64');
  await context.close();
  return `<img height="580" src="data:image/png;base64,${picture}">`;
}

const page = await browser.newPage({ viewport: { width: 1600, height: 636 }, deviceScaleFactor: 1.25 });
await page.setContent(`<style>
  body { margin: 0; padding: 28px; background: #dfe8e3; display: flex; gap: 24px; width: fit-content; }
  img { display: block; border-radius: 14px; box-shadow: 0 12px 40px -12px rgb(10 40 30 / 35%); }
</style>
${await shoot(english, {}, { width: 820, height: 620 })}
${await shoot(english, { theme: 'dark' }, { width: 390, height: 620 })}
${await shoot(vietnamese, { lang: 'vi' }, { width: 390, height: 620 })}`);
await page.locator('body').screenshot({ path: join(here, 'bell.png') });
await browser.close();
await site.stop();
await server.stop();
