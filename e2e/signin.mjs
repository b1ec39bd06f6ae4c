// Signing in on the staff side, as a person with an authenticator does.
import { totp } from './totp.mjs';
import { address, word } from './words.mjs';

// A one-time password is good once: the period in which each account used its last one.
const used = new Map();

async function freshCode(page, login) {
  const period = () => Math.floor(Date.now() / 30_000);
  // Wait out a period that this account has used, or that is about to end while we type.
  const left = () => 30_000 - (Date.now() % 30_000);
  if (used.get(login.username) === period() || left() < 2000) await page.waitForTimeout(left() + 100);
  used.set(login.username, period());
  return totp(login.totp_secret);
}

/** Signs in with password and second factor, whether both stand on one page or on two. */
export async function signIn(page, city, login) {
  await page.goto(city.staff(address.staffLogin));
  await page.getByLabel(word.username).fill(login.username);
  await page.getByLabel(word.password, { exact: true }).fill(login.password);
  if (!(await page.getByLabel(word.code).count())) await page.getByRole('button', { name: word.signIn }).click();
  await page.getByLabel(word.code).fill(await freshCode(page, login));
  await page.getByRole('button', { name: word.signIn }).click();
  await page.getByRole('link', { name: word.work }).first().waitFor();
}
