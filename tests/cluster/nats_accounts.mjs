// Decentralised NATS accounts, made by hand: an operator, an account with JetStream, and users with their credentials files
// (what the `nsc` program does). https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt
import { createHash, generateKeyPairSync, sign } from 'node:crypto';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const kinds = { operator: 14 << 3, account: 0, user: 20 << 3 };
const seedPrefix = 18 << 3;

function base32(bytes) {
  let bits = '';
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  let out = '';
  for (let i = 0; i < bits.length; i += 5) out += alphabet[parseInt(bits.slice(i, i + 5).padEnd(5, '0'), 2)];
  return out;
}

function crc16(bytes) {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let i = 0; i < 8; i += 1) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

function encoded(bytes) {
  const crc = crc16(bytes);
  return base32([...bytes, crc & 0xff, crc >> 8]);
}

/** A key of a kind, with its name and its seed as NATS writes them. */
export class NKey {
  constructor(kind) {
    this.kind = kind;
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.privateKey = privateKey;
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x, 'base64url');
    const secret = Buffer.from(privateKey.export({ format: 'jwk' }).d, 'base64url');
    const type = kinds[kind];
    this.name = encoded([type, ...raw]);
    this.seed = encoded([seedPrefix | (type >> 5), (type & 31) << 3, ...secret]);
  }

  /** A JWT about `subject`, signed with this key. */
  issue(subject, nats) {
    const claims = { iat: Math.floor(Date.now() / 1000), iss: this.name, name: nats.type, sub: subject.name, nats: { ...nats, version: 2 } };
    claims.jti = base32(createHash('sha256').update(JSON.stringify(claims)).digest());
    const text = [{ typ: 'JWT', alg: 'ed25519-nkey' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${text}.${sign(null, Buffer.from(text), this.privateKey).toString('base64url')}`;
  }
}

const unlimited = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
const store = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

/** `config`: lines for nats-server. `credentials()`: the text of a new user's file; `strange()`: of somebody else's. */
export function accounts() {
  const operator = new NKey('operator');
  const system = new NKey('account');
  const account = new NKey('account');
  const tokens = {
    operator: operator.issue(operator, { type: 'operator' }),
    system: operator.issue(system, { type: 'account', limits: unlimited }),
    account: operator.issue(account, { type: 'account', limits: { ...unlimited, ...store } }),
  };
  const credentials = (of) => {
    const user = new NKey('user');
    const token = of.issue(user, { type: 'user', pub: {}, sub: {}, subs: -1, data: -1, payload: -1 });
    return `-----BEGIN NATS USER JWT-----\n${token}\n------END NATS USER JWT------\n\n` +
      `-----BEGIN USER NKEY SEED-----\n${user.seed}\n------END USER NKEY SEED------\n`;
  };
  return {
    config: `operator: ${tokens.operator}\nsystem_account: ${system.name}\nresolver: MEMORY\n` +
      `resolver_preload: { ${system.name}: ${tokens.system}, ${account.name}: ${tokens.account} }\n`,
    credentials: () => credentials(account),
    strange: () => credentials(new NKey('account')),
  };
}
