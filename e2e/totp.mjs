// Time-based one-time passwords (RFC 6238: SHA-1, 30 seconds, 6 digits), as an authenticator on a phone makes them.
import { createHmac } from 'node:crypto';

function base32(text) {
  let bits = '';
  for (const c of text.toUpperCase().replace(/[=\s]/g, '')) {
    const value = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c);
    if (value < 0) throw new Error(`not base 32: ${c}`);
    bits += value.toString(2).padStart(5, '0');
  }
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
}

export function totp(secret, seconds = Date.now() / 1000) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(seconds / 30)));
  const hash = createHmac('sha1', base32(secret)).update(counter).digest();
  const at = hash[19] & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
