// Every query of deploy/ against the metrics of a real server, by a real Prometheus.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { once } from 'node:events';
import { join } from 'node:path';
import { readFile, writeFile, copyFile } from 'node:fs/promises';
import { Server, eventually, root, temporaryDirectory } from './harness.mjs';
import { freePort } from '../cluster/servers.mjs';

const prometheusHome = join(root, 'build', 'prometheus', 'usr', 'bin');
const deploy = join(root, 'deploy');

test('the alert rules are valid, fire on what they are for, and not on what is normal', async () => {
  const promtool = (...args) =>
    promisify(execFile)(join(prometheusHome, 'promtool'), args, { cwd: join(deploy, 'prometheus') });
  const checked = await promtool('check', 'config', 'prometheus.yml');
  assert.match(checked.stdout, /SUCCESS: 10 rules found/);
  const tested = await promtool('test', 'rules', 'alerts_test.yml');
  assert.match(tested.stdout, /SUCCESS/);
});

describe('against a running server', () => {
  let server;
  let prometheus;
  let api;

  before(async () => {
    server = await Server.start();
    const folder = await temporaryDirectory();
    await copyFile(join(deploy, 'prometheus', 'alerts.yml'), join(folder, 'alerts.yml'));
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: ['alerts.yml'],
      scrape_configs: [{ job_name: 'carillon', static_configs: [{ targets: [new URL(server.url).host] }] }],
    };
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config)); // JSON is YAML
    const port = await freePort();
    prometheus = spawn(
      join(prometheusHome, 'prometheus'),
      [`--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`, '--log.level=warn'],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    api = async (path, parameters = {}) => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(parameters)}`);
      return answer.json();
    };
    await eventually('Prometheus scrapes', async () => {
      const answer = await api('query', { query: 'up{job="carillon"}' }).catch(() => undefined);
      return answer?.data?.result?.[0]?.value[1] === '1';
    }, 30_000);
  });

  after(async () => {
    if (prometheus) {
      prometheus.kill('SIGTERM');
      await once(prometheus, 'exit');
    }
    assert.equal(await server.stop(), 0);
  });

  /// Something of everything that the dashboard shows. Counters must move between two scrapes to have a rate.
  async function traffic() {
    const user = await server.register();
    const tab = await server.connect(user.token).connected();
    const created = await server.create(user.id);
    await tab.event('notification:new', (event) => event.notificationId === created.notificationId);
    await tab.emit('notification:read-all');
    tab.close();
    const stranger = server.connect('garbage');
    await eventually('the refusal', () => stranger.errors.length);
    stranger.close();
  }

  const named = (expression) => [...new Set(expression.match(/\bcarillon_[a-z_]+/g) ?? [])];

  test('every panel of the dashboard shows data', async () => {
    const dashboard = JSON.parse(await readFile(join(deploy, 'grafana', 'carillon.json'), 'utf8'));
    const panels = dashboard.panels.filter((panel) => panel.type !== 'row');
    assert.ok(panels.length >= 20, `${panels.length} panels`);
    const queries = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));
    const fill = (expression) =>
      expression.replaceAll('$job', '.*').replaceAll('$instance', '.*').replaceAll('$__rate_interval', '1m');
    const missing = async () => {
      const without = [];
      for (const { title, expr } of queries) {
        const answer = await api('query', { query: fill(expr) });
        assert.equal(answer.status, 'success', `${title}: ${answer.error}`);
        if (answer.data.result.length === 0) without.push(`${title}: ${expr}`);
      }
      return without;
    };
    let without = [];
    await eventually('data in every panel', async () => {
      await traffic();
      without = await missing();
      return without.length === 0;
    }, 30_000).catch(() => assert.deepEqual(without, []));
    for (const variable of dashboard.templating.list.filter(({ type }) => type === 'query')) {
      for (const name of named(variable.query)) {
        assert.notEqual((await api('series', { 'match[]': name })).data.length, 0, variable.query);
      }
    }
  });

  test('every alert looks at metrics that exist, and a healthy server raises none', async () => {
    await eventually('all rules are evaluated', async () => {
      const { data } = await api('rules');
      return data.groups[0].rules.every(({ health }) => health === 'ok');
    });
    const { data } = await api('rules');
    const rules = data.groups.flatMap((group) => group.rules);
    assert.equal(rules.length, 10);
    for (const rule of rules) {
      for (const name of named(rule.query)) {
        assert.notEqual((await api('series', { 'match[]': name })).data.length, 0, `${rule.name}: ${name}`);
      }
      assert.equal(rule.state, 'inactive', `${rule.name}: ${rule.query}`);
    }
  });
});
