// @carillon/react with React 18 and 19: rendered on a server, hydrated in strict mode, live in a real browser.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Server, eventually } from './harness.mjs';
import { Site, secret, sign } from './site.mjs';
import { BellTab, launch } from './sdk_browser.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const modules = { 18: join(root, 'tests/react-18/node_modules'), 19: join(root, 'node_modules') };

/** Bundles code that uses the app with one version of React, the packages from their sources. */
async function bundle(version, contents, platform) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here },
    bundle: true,
    write: false,
    format: platform === 'node' ? 'cjs' : 'iife',
    platform,
    target: platform === 'node' ? 'node18' : 'es2022',
    logLevel: 'warning',
    define: { 'process.env.NODE_ENV': '"development"' },
    alias: {
      react: join(modules[version], 'react'),
      'react-dom': join(modules[version], 'react-dom'),
      '@carillon/react': join(root, 'clients/react/src/index.ts'),
      '@carillon/elements': join(root, 'clients/elements/src/index.ts'),
      '@carillon/client': join(root, 'clients/js/src/index.ts'),
    },
  });
  return outputFiles[0].text;
}

async function renderOnServer(version) {
  const code = await bundle(version, `
    import { createElement } from 'react';
    import { renderToString } from 'react-dom/server';
    import { version } from 'react';
    import { App } from './react_app.mjs';
    let asked = 0;
    module.exports = { html: renderToString(createElement(App, { user: 'u', getToken: () => { asked += 1; return null; } })), version, asked: () => asked };
  `, 'node');
  const module = { exports: {} };
  const said = [];
  const { error } = console;
  console.error = (...words) => said.push(words.join(' '));
  try {
    new Function('module', 'exports', 'require', code)(module, module.exports, (await import('node:module')).createRequire(import.meta.url));
    await new Promise((resolve) => setTimeout(resolve, 50));
  } finally {
    console.error = error;
  }
  return { ...module.exports, said };
}

for (const version of [18, 19]) {
  describe(`React ${version}`, () => {
    let server;
    let site;
    let browser;
    let rendered;

    before(async () => {
      server = await Server.start({ flags: ['--jwt-secret', secret] });
      server.creator = sign(randomUUID(), { permissions: ['notification:create'] });
      site = await Site.start(server);
      browser = await launch();
      rendered = await renderOnServer(version);
      const script = await bundle(version, `
        import { createElement } from 'react';
        import { hydrateRoot } from 'react-dom/client';
        import { App } from './react_app.mjs';
        const user = new URLSearchParams(location.search).get('user');
        const getToken = async (user) => (await fetch('/token?user=' + user)).text();
        hydrateRoot(document.getElementById('root'), createElement(App, { user, getToken }));
      `, 'browser');
      site.extra = {
        '/react': ['text/html', `<!doctype html><html lang="en"><meta charset="utf-8"><title>React</title><div id="root">${rendered.html}</div><script src="/react.js"></script></html>`],
        '/react.js': ['text/javascript', script],
      };
    });
    after(async () => {
      await browser?.close();
      await site?.stop();
      assert.equal(await server?.stop(), 0);
    });

    test('renders on a server, where nothing connects and nothing complains', () => {
      assert.equal(rendered.version.split('.')[0], String(version));
      assert.match(rendered.html, /<carillon-bell class="my-bell" theme="dark" toasts="off"><\/carillon-bell>/);
      assert.match(rendered.html, /<carillon-inbox id="inbox" heading="3"><\/carillon-inbox>/);
      assert.match(rendered.html, /<output id="count">0<\/output><output id="connection">idle<\/output>/);
      assert.equal(rendered.asked(), 0);
      assert.deepEqual(rendered.said, []);
    });

    test('hydrates in strict mode without a word, on one connection; hooks and components follow', async () => {
      const context = await browser.newContext();
      const user = randomUUID();
      for (let i = 1; i <= 25; i += 1) await server.create(user, `n${i}`);
      const tab = new BellTab(await context.newPage());
      const { page } = tab;
      const text = (id) => page.locator(`#${id}`).textContent();
      const shows = (id, wanted) => eventually(`#${id} shows ${wanted}`, async () => (await text(id)) === wanted);
      await page.goto(`${site.url}/react?user=${user}`);
      await shows('connection', 'live');
      await shows('count', '25');
      await eventually('the badge', async () => (await page.locator('carillon-bell .badge').textContent()) === '25');
      assert.equal(site.webSockets, 1);
      assert.equal(site.tokens.length, 1);

      // Only what has changed is rendered again.
      const rendering = await page.evaluate(() => window.rendered.count);
      await page.locator('#more').click();
      await eventually('all are listed', async () => (await page.locator('#list li').count()) === 25);
      assert.equal(await page.evaluate(() => window.rendered.count), rendering);

      await server.create(user, 'fresh', { data: { url: '/fresh' } });
      await shows('count', '26');
      await shows('arrivals', 'fresh');
      await page.locator('#list li').nth(1).click();
      await shows('count', '25');
      assert.equal(await page.locator('#list li').nth(1).getAttribute('data-read'), 'true');

      await page.locator('#inbox .item').first().click();
      await shows('opened', 'fresh');
      await shows('count', '24');
      await page.locator('carillon-bell .trigger').click();
      assert.equal(await page.locator('carillon-bell .title').textContent(), 'Meldungen');
      await page.keyboard.press('Escape');
      await page.locator('#read-all').click();
      await shows('count', '0');

      await page.locator('#again').click();
      await page.locator('#toggle').click();
      await eventually('unmounted, it hangs up', async () => (await server.metric('carillon_connections_active')) === 0);
      await page.locator('#toggle').click();
      await shows('connection', 'live');
      await shows('count', '0');
      assert.equal(site.webSockets, 2);
      assert.deepEqual(tab.problems, []);
      await context.close();
    });
  });
}
