import assert from 'node:assert/strict';
import { test } from 'node:test';
import { totp } from './totp.mjs';

// RFC 6238, appendix B, cut to six digits; the secret is the ASCII text 12345678901234567890.
test('one-time passwords are those of RFC 6238', () => {
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
  for (const [at, code] of [[59, '287082'], [1111111109, '081804'], [1234567890, '005924'], [20000000000, '353130']]) {
    assert.equal(totp(secret, at), code);
  }
});
