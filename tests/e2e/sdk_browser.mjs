// A real browser with the bell in it, for the tests of the SDK.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { eventually } from './harness.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function launch() {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path));
  assert.ok(executablePath, 'no Chromium: ./dev setup installs it');
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

/** A tab. What the policy forbids, what throws and what is an error on the console is kept in `problems`; what is
 * a warning, in `warnings`. */
export class BellTab {
  constructor(page) {
    this.page = page;
    this.problems = [];
    this.warnings = [];
    this.sockets = new Set();
    page.on('pageerror', (error) => this.problems.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.problems.push(message.text());
      if (message.type() === 'warning') this.warnings.push(message.text());
    });
    page.on('websocket', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  static async open(context, site, query) {
    const tab = new BellTab(await context.newPage());
    await tab.page.addInitScript(() => {
      window.violations = [];
      document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
      // The lid of the laptop: the wall clock goes on without us.
      let slept = 0;
      const { now } = Date;
      Date.now = () => now() + slept;
      window.sleepFor = (ms) => (slept += ms);
    });
    await tab.page.goto(`${site.url}/?${new URLSearchParams(query)}`);
    return tab;
  }

  get leads() {
    return this.sockets.size > 0;
  }

  /** Of the bell: connection, count, titles, unread titles. */
  state() {
    return this.page.evaluate(() => {
      const state = document.querySelector('carillon-bell').activeBell?.state;
      return state && {
        connection: state.connection,
        count: state.unreadCount,
        list: state.list,
        error: state.error?.code ?? null,
        titles: state.notifications.map((notification) => notification.title),
        unread: state.notifications.filter((notification) => !notification.read).map((notification) => notification.title),
      };
    });
  }

  /** Waits until the state is as wanted, and returns it. */
  async until(what, wanted, ms = 15_000) {
    let state;
    try {
      return await eventually(what, async () => {
        state = await this.state();
        return state && wanted(state) && state;
      }, ms);
    } catch (error) {
      throw new Error(`${error.message}; ${JSON.stringify(state)}`);
    }
  }

  live() {
    return this.until('it is live', (state) => state.connection === 'live' && state.list === 'ready');
  }

  /** A part inside the elements; playwright's selectors see through shadow roots. */
  at(selector) {
    return this.page.locator(`carillon-bell ${selector}`);
  }

  async show() {
    await this.at('.trigger').click();
    await this.at('.panel').waitFor();
  }

  async checkPolicy() {
    assert.deepEqual(await this.page.evaluate(() => window.violations), []);
  }

  async checkAxe(state) {
    await this.page.evaluate(`${axe}; 0`);
    const found = await this.page.evaluate(async () => {
      const { violations } = await window.axe.run(document, {
        resultTypes: ['violations'],
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join(' | ')}`);
    });
    assert.deepEqual(found, [], `axe, ${state}`);
  }
}
