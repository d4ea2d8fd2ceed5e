// docs/quickstart.md, followed to the letter in an empty folder, with the packages that `npm pack` makes. Only the ports are others.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { binary, eventually, temporaryDirectory } from './harness.mjs';
import { BellTab, launch } from './sdk_browser.mjs';
import { freePort } from '../cluster/servers.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const text = await readFile(join(root, 'docs/quickstart.md'), 'utf8');

/** Every block in its order: what it is for, or the file that it is. */
const blocks = [...text.matchAll(/^```(sh|js|html) (\S+)\n([^]*?)^```/gm)].map(([, language, name, content]) => ({ language, name, content }));
const block = (name, nth = 0) => {
  const found = blocks.filter((candidate) => candidate.name === name)[nth];
  assert.ok(found, `docs/quickstart.md has no block ${name}`);
  return found.content;
};

test('docs/quickstart.md ends with a working bell, by script and by bundler', { timeout: 300_000 }, async () => {
  const folder = await temporaryDirectory();
  const [port, gateway] = [await freePort(), await freePort()];
  const moved = (content) => content.replaceAll('localhost:3000', `localhost:${gateway}`).replaceAll('localhost:8080', `localhost:${port}`);
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(CARILLON_|npm_)/i.test(name))),
    PATH: `${dirname(binary)}:${process.env.PATH}`,
    CARILLON_PORT: String(gateway), CARILLON_AUTH_PORT: '0', CARILLON_NOTIFICATIONS_PORT: '0',
    CARILLON_URL: `http://localhost:${gateway}`, PORT: String(port), APP: folder,
    npm_config_prefer_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false',
  };
  const run = async (name, cwd = folder) =>
    (await promisify(execFile)('bash', ['-ec', moved(block(name))], { cwd, env, timeout: 180_000 })).stdout.trim();
  const started = [];
  const start = (name) => {
    // The last command takes the shell's place, so that it is what we end.
    const script = moved(block(name)).replace(/^(carillon|node) /m, 'exec $1 ');
    const child = spawn('bash', ['-ec', script], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (child.said += bytes));
    child.ended = once(child, 'close');
    started.push(child);
    return child;
  };
  const browser = await launch();
  try {
    const server = start('serve');
    await eventually('the server is ready', () => /ready/.test(server.said), 20_000);
    await writeFile(join(folder, 'server.mjs'), moved(block('server.mjs')));
    const page = moved(block('index.html'));
    await writeFile(join(folder, 'index.html'), page);
    assert.ok(page.match(/^<(script|carillon).*$/gm).length <= 10, 'in at most ten lines');
    const app = start('app');
    await eventually('the app answers', async () => (await fetch(`http://localhost:${port}/`)).ok);

    const context = await browser.newContext();
    const follow = async (tabs, titles) => {
      for (const tab of tabs) {
        await tab.page.goto(`http://localhost:${port}/`);
        await tab.live();
        assert.deepEqual((await tab.state()).titles, titles);
      }
      assert.match(await run('send'), /^[0-9a-f-]{36}$/);
      for (const tab of tabs) {
        await eventually('it rings', async () => (await tab.at('.badge').textContent()) === '1');
        await tab.until('it is there', (state) => state.titles[0] === 'Ada replied to you');
      }
      await tabs[0].show();
      await tabs[0].at('.item').first().click();
      for (const tab of tabs) await eventually('it is read in both', async () => (await tab.at('.badge').count()) === 0);
      assert.deepEqual(tabs.flatMap((tab) => tab.problems.filter((problem) => !/favicon|404/.test(problem))), []);
    };
    const tabs = [new BellTab(await context.newPage()), new BellTab(await context.newPage())];
    await follow(tabs, []);

    await run('pack', root);
    const packed = (await readdir(folder)).filter((name) => name.endsWith('.tgz')).sort();
    assert.deepEqual(packed, ['carillon-client-0.1.0.tgz', 'carillon-contracts-0.1.0.tgz', 'carillon-elements-0.1.0.tgz', 'carillon-react-0.1.0.tgz']);
    for (const name of packed) {
      const { stdout } = await promisify(execFile)('tar', ['-tzf', join(folder, name)]);
      assert.match(stdout, /^package\/dist\/index\.d\.ts$/m, `${name} has types`);
      assert.match(stdout, /^package\/README\.md$/m, `${name} has a README`);
      assert.doesNotMatch(stdout, /_test|testing\//, `${name} has no tests`);
    }
    // Each without what it depends on, as the READMEs say it.
    for (const [name, most] of [['client', 15 * 1024], ['elements', 15 * 1024], ['react', 1_500]]) {
      const { stdout } = await promisify(execFile)('tar', ['-xzOf', join(folder, `carillon-${name}-0.1.0.tgz`), 'package/dist/index.js'],
        { encoding: 'buffer', maxBuffer: 1 << 20 });
      const bytes = gzipSync(stdout, { level: 9 }).length;
      console.log(`@carillon/${name}: ${stdout.length} bytes, ${bytes} gzipped`);
      assert.ok(bytes > 500 && bytes <= most, `${name}: ${bytes}`);
    }
    await run('install');
    await writeFile(join(folder, 'main.js'), moved(block('main.js')));
    await run('bundle');
    await writeFile(join(folder, 'index.html'), moved(block('index.html', 1)));
    await follow(tabs, ['Ada replied to you']);
    await run('send');
    await eventually('the title counts', async () => (await tabs[1].page.title()) === '(1) My app');

    // The types that were packed, under the strictest eyes.
    await writeFile(join(folder, 'typed.ts'), `
      import { createBell, BellError, type BellNotification, type ConnectionState } from "@carillon/client";
      import { addMessages, type CarillonBell, type OpenDetail } from "@carillon/elements";
      const bell = createBell({ url: "http://localhost", getToken: async ({ fresh }: { fresh: boolean }) => (fresh ? null : "token") });
      const titles: string[] = bell.notifications.map((notification: BellNotification) => notification.title + (notification.data?.url ?? ""));
      const connection: ConnectionState = bell.connection;
      bell.on("refused", ({ error }) => console.log(error instanceof BellError, error.code, titles, connection));
      const element: CarillonBell = document.querySelector("carillon-bell")!;
      element.addEventListener("carillon-open", (event) => console.log((event as CustomEvent<OpenDetail>).detail.url));
      addMessages("de", { title: "Mitteilungen" });
      // @ts-expect-error: no such event
      bell.on("nothing", () => {});
    `);
    await promisify(execFile)(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--exactOptionalPropertyTypes',
      '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'es2022,dom', '--types', '', 'typed.ts'], { cwd: folder })
      .catch((error) => assert.fail(error.stdout));
    assert.equal(app.exitCode, null);
  } finally {
    await browser.close();
    for (const child of started) child.kill('SIGTERM');
    for (const child of started) await child.ended;
  }
  await rm(folder, { recursive: true });
});
