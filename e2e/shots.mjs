// Takes the README's pictures of a fresh demo city: docs/pictures/PAGE-WIDTH.jpg at 1440, 768 and 390 pixels.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.mjs';
import { get, startCity } from './city.mjs';
import { signIn } from './signin.mjs';
import { address, word } from './words.mjs';

const folder = fileURLToPath(new URL('../docs/pictures/', import.meta.url));
mkdirSync(folder, { recursive: true });
const city = await startCity();
const browser = await launch();
try {
  const department = await findDepartment();
  for (const width of [1440, 768, 390]) {
    const window = await browser.newContext({
      locale: 'zh-CN',
      timezoneId: 'Asia/Shanghai',
      viewport: { width, height: width === 390 ? 844 : 900 },
    });
    const page = await window.newPage();
    const take = async (name) => {
      await page.evaluate(() => document.fonts.ready);
      // A whole page, but not more than three windows of it: a picture is to be looked at.
      const high = await page.evaluate(() => document.documentElement.scrollHeight);
      const clip = { x: 0, y: 0, width, height: Math.min(high, page.viewportSize().height * 3) };
      await page.screenshot({ path: `${folder}${name}-${width}.jpg`, type: 'jpeg', quality: 82, fullPage: true, clip });
      console.log(`docs/pictures/${name}-${width}.jpg`);
    };
    await page.goto(city.site(address.portal));
    await take('portal');
    await page.goto(city.site(address.portal, address.policies));
    await page.locator('main .gk-docs a, main .gk-list a').first().click();
    await take('document');
    await page.goto(city.site(address.portal, `${address.search}?q=${encodeURIComponent('通知')}`));
    await take('search');
    await page.goto(department);
    await take('department');
    // Staff: the reviewer's work list, which is the fullest.
    await signIn(page, city, city.login('reviewer'));
    await page.getByRole('link', { name: word.work }).first().click();
    await take('worklist');
    await window.close();
  }
} finally {
  await browser.close();
  await city.stop();
}

/** The home page of the first department that the all-sites page leads to. */
async function findDepartment() {
  const page = await browser.newPage();
  try {
    await page.goto(city.site(address.portal));
    const all = await page.getByRole('link', { name: word.allSites }).first().getAttribute('href');
    await page.goto(new URL(all, page.url()).href);
    for (const href of await page.locator('main a[href^="/go/"]').evaluateAll((links) => links.map((a) => a.href))) {
      if (/data-site="department"/.test((await get(href)).body)) return href;
    }
    throw new Error('the all-sites page leads to no department');
  } finally {
    await page.close();
  }
}
