// Where it was measured, and with which versions.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { createRequire } from 'node:module';
import { join } from 'node:path';

function firstLine(command, ...args) {
  try {
    return execFileSync(command, args, { stdio: ['ignore', 'pipe', 'ignore'] }).toString().split('\n')[0].trim();
  } catch {
    return 'unknown';
  }
}

function packageVersion(require, name) {
  try {
    return require(`${name}/package.json`).version;
  } catch {
    return 'unknown';
  }
}

export function machine() {
  const release = readFileSync('/etc/os-release', 'utf8').match(/PRETTY_NAME="(.*)"/)?.[1] ?? 'unknown';
  return {
    cpu: os.cpus()[0].model.trim(),
    cores: os.cpus().length,
    memoryGb: Math.round(os.totalmem() / 2 ** 30),
    kernel: os.release(),
    system: release,
  };
}

export function versions(root, binary, postgres) {
  const require = createRequire(join(root, 'bench/peers/nestjs/package.json'));
  return {
    carillon: firstLine(binary, '--version').replace(/^carillon /, ''),
    compiler: firstLine('g++', '--version'),
    nats: firstLine('nats-server', '--version').replace(/^nats-server: v?/, ''),
    postgres: firstLine(postgres, '--version').replace(/^.*?(\d+\.\d+).*$/, '$1'),
    node: process.version.slice(1),
    nestjs: packageVersion(require, '@nestjs/core'),
    socketio: packageVersion(require, 'socket.io'),
  };
}

/** Seconds that the hypervisor gave to others, and that anybody used. */
export function cpuTimes() {
  const [, ...ticks] = readFileSync('/proc/stat', 'utf8').split('\n')[0].trim().split(/\s+/);
  const numbers = ticks.map(Number);
  const total = numbers.slice(0, 8).reduce((sum, one) => sum + one, 0);
  return { steal: numbers[7] / 100, busy: (total - numbers[3] - numbers[4]) / 100, total: total / 100 };
}
