// Authorities and certificates of our own, made by openssl in a folder: NAME.pem and NAME.key.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export class Certificates {
  /** Two authorities: `ca`, which makes certificates, and `stranger`, which nobody trusts. */
  constructor(folder) {
    this.folder = folder;
    for (const name of ['ca', 'stranger']) this.#openssl('req', '-x509', ...key, '-days', '2', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`);
  }

  #openssl(...args) {
    execFileSync('openssl', args, { cwd: this.folder, stdio: 'ignore' });
  }

  /** One of `ca`. `extension` as openssl wants it, by default that of a server on this machine. */
  make(name, extension = 'subjectAltName=DNS:localhost,IP:127.0.0.1') {
    this.#openssl('req', ...key, '-subj', `/CN=${name}`, '-addext', extension, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    this.#openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2',
      '-copy_extensions', 'copy', '-out', `${name}.pem`);
  }

  path(file) {
    return join(this.folder, file);
  }
}
