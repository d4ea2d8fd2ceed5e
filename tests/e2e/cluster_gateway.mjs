// The gateway of a cluster, spoken to as the harness speaks to `serve`.
import { Server, run } from './harness.mjs';

export const secrets = ['--internal-secret', 'i'.repeat(40)];
export const userSecret = ['--jwt-secret', 'u'.repeat(40)];

export class Gateway extends Server {
  /** `service`: the process, or whatever stands in front of several. */
  constructor(service) {
    super();
    this.service = service;
    this.url = service.url;
  }

  async token(user, ...flags) {
    const { code, stdout, stderr } = await run(['token', '--user', user, ...userSecret, ...flags]);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  }

  async internalToken() {
    const { stdout } = await run(['token', '--internal', ...secrets]);
    return stdout.trim();
  }
}
