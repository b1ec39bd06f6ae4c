// One city and one browser for all journeys; a fresh, clean window for each.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { launch } from './browser.mjs';
import { startCity } from './city.mjs';

let started;
/** The city and the browser, started by the first journey that asks. */
export function world() {
  started ??= (async () => {
    const city = await startCity();
    try {
      return { city, browser: await launch() };
    } catch (error) {
      await city.stop();
      throw error;
    }
  })();
  return started;
}

after(async () => {
  const here = await started?.catch(() => null);
  await here?.browser.close();
  await here?.city.stop();
});

/**
 * A journey is a test with a window of its own. It fails also when the page said an error to the console, when a part
 * of it did not load, or when it asked anything of another machine. A failure leaves its picture and page in e2e/out.
 * `expects` lists statuses other than 2xx and 3xx that belong to the journey.
 */
export function journey(name, options, steps) {
  const { expects = [], ...context } = options;
  test(name, { timeout: 180_000 }, async () => {
    const { city, browser } = await world();
    const window = await browser.newContext({ locale: 'zh-CN', timezoneId: 'Asia/Shanghai', viewport: { width: 1280, height: 900 }, ...context });
    window.setDefaultTimeout(10_000);
    const troubles = [];
    watch(window, troubles, expects);
    const page = await window.newPage();
    try {
      await steps({ city, browser, window, page, watch: (other) => watch(other, troubles, expects) });
      assert.deepEqual(troubles, [], 'errors in the browser');
    } catch (error) {
      await keep(name, window);
      throw error;
    } finally {
      await window.close();
    }
  });
}

function watch(window, troubles, expects) {
  const local = (url) => /^(https?:\/\/(127\.0\.0\.1|localhost|[a-z0-9-]+\.localhost)(:|\/|$)|data:|blob:|about:)/.test(url);
  window.on('request', (r) => local(r.url()) || troubles.push(`asked another machine: ${r.url()}`));
  window.on('response', (r) => {
    if (r.status() >= 400 && !expects.includes(r.status())) troubles.push(`${r.status()} ${r.url()}`);
  });
  window.on('requestfailed', (r) => {
    // A request given up because the person moved on is no fault.
    if (r.failure()?.errorText !== 'net::ERR_ABORTED') troubles.push(`${r.failure()?.errorText} ${r.url()}`);
  });
  window.on('console', (m) => {
    // The browser repeats every 4xx on the console; the line above has judged it already.
    if (m.type() === 'error' && !m.text().startsWith('Failed to load resource')) troubles.push(`console: ${m.text()}`);
  });
  window.on('weberror', (e) => troubles.push(`script: ${e.error().message}`));
}

async function keep(name, window) {
  const folder = new URL('./out/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const file = name.replace(/[^\p{L}\p{N}]+/gu, '-').slice(0, 80);
  for (const [n, page] of window.pages().entries()) {
    try {
      writeFileSync(new URL(`${file}-${n}.html`, folder), `<!-- ${page.url()} -->\n${await page.content()}`);
      await page.screenshot({ path: new URL(`${file}-${n}.png`, folder).pathname, fullPage: true });
    } catch {
      // The page is gone; the failure itself says more.
    }
  }
}
