// A real PostgreSQL with a cluster of its own in a temporary folder: fsync on, a free port of 127.0.0.1, an unprivileged user
// (the server refuses root).
import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually, temporaryDirectory } from './harness.mjs';
import { freePort } from '../cluster/servers.mjs';

function program(name) {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql').sort((a, b) => b - a) : [];
  const found = versions.map((version) => join('/usr/lib/postgresql', version, 'bin', name)).find(existsSync);
  if (!found) throw new Error(`${name} is not installed (Debian package postgresql)`);
  return found;
}

// As whom the server runs: ourselves, unless we are root.
function unprivileged() {
  if (process.getuid() !== 0) return {};
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

export class Postgres {
  static async start() {
    const server = new Postgres();
    server.folder = await temporaryDirectory();
    server.user = unprivileged();
    if (server.user.uid !== undefined) chownSync(server.folder, server.user.uid, server.user.gid);
    server.port = await freePort();
    server.run('initdb', '--pgdata', join(server.folder, 'data'), '--username', 'postgres', '--auth', 'trust', '--encoding', 'UTF8',
      '--locale', 'C.UTF-8', '--no-sync');
    await server.launch();
    server.sql('CREATE ROLE carillon LOGIN');
    server.sql('CREATE DATABASE carillon OWNER carillon');
    return server;
  }

  /** Starts (again) on the same data and port. */
  async launch() {
    this.log = '';
    this.child = spawn(program('postgres'), ['-D', join(this.folder, 'data'), '-k', this.folder, '-p', String(this.port),
      '-c', 'fsync=on', '-c', 'listen_addresses=127.0.0.1'], { ...this.user, cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] });
    this.closed = once(this.child, 'close');
    this.child.stderr.on('data', (chunk) => (this.log += chunk));
    await eventually('PostgreSQL answers', () => {
      if (this.child.exitCode !== null) throw new Error(this.log);
      return this.sql('SELECT 1') === '1';
    }, 60_000);
  }

  /** Of the database `carillon`, as the user `carillon`. */
  get url() {
    return `postgres://carillon@127.0.0.1:${this.port}/carillon`;
  }

  /** Runs one of PostgreSQL's programs to its end as the server's user, and returns what it printed. */
  run(name, ...args) {
    return execFileSync(program(name), args, { ...this.user, cwd: this.folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** What psql prints of the rows, as the superuser. */
  sql(statement, database = 'postgres') {
    return this.run('psql', '--no-psqlrc', '--quiet', '--no-align', '--tuples-only', '--set', 'ON_ERROR_STOP=1',
      '--dbname', `postgres://postgres@127.0.0.1:${this.port}/${database}`, '--command', statement).trim();
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGINT');
    await this.closed;
    await rm(this.folder, { recursive: true, force: true });
  }
}
