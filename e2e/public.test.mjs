// What a citizen does on the public side.
import assert from 'node:assert/strict';
import { accessible, noSidewaysScroll, pageTags, validHtml } from './checks.mjs';
import { get } from './city.mjs';
import { journey, world } from './journey.mjs';
import { address, word } from './words.mjs';

const main = (page) => page.locator('main');
// The list of documents on a column or result page. Its class is the look's, not a word: there is no other mark of it.
const documents = (page) => main(page).locator('.gk-docs a, .gk-list a');

/** From the portal's home page to the first document of the policy column, by links alone. Returns its address. */
async function openDocument(page, city) {
  await page.goto(city.site(address.portal, address.policies));
  await documents(page).first().click();
  return page.url();
}

/** One page of every kind that the public side has, with the status it must have. Found by walking, so that a kind
 *  which cannot be reached fails here. */
let kindsFound;
function kinds() {
  kindsFound ??= (async () => {
    const { city, browser } = await world();
    const window = await browser.newContext({ locale: 'zh-CN' });
    const page = await window.newPage();
    try {
      const home = city.site(address.portal);
      const found = [{ name: 'portal', url: home, tags: 'home' }];
      found.push({ name: 'column', url: city.site(address.portal, address.policies), tags: 'column' });
      found.push({ name: 'document', url: await openDocument(page, city), tags: 'article' });
      found.push({ name: 'search', url: city.site(address.portal, `${address.search}?q=${encodeURIComponent('通知')}`) });
      found.push({ name: 'search without a word', url: city.site(address.portal, address.search) });
      found.push({ name: 'search without a hit', url: city.site(address.portal, `${address.search}?q=${encodeURIComponent('蘷蘷蘷')}`) });
      await page.goto(home);
      for (const [name, link] of [['site map', word.siteMap], ['all sites', word.allSites]]) {
        const href = await page.getByRole('link', { name: link }).first().getAttribute('href');
        found.push({ name, url: new URL(href, home).href });
      }
      found.push({ name: 'not found', url: city.site(address.portal, address.missing), status: 404 });
      // A home page of each theme: county, department, party unit.
      await page.goto(found.find((k) => k.name === 'all sites').url);
      const hrefs = await main(page).locator('a[href]').evaluateAll((links) => [...new Set(links.map((a) => a.href))]);
      const themes = new Set(['portal']);
      for (const href of hrefs.map((h) => h.match(/\/go\/([a-z0-9-]+)\/$/)?.[1]).filter(Boolean).map((slug) => city.site(slug))) {
        const theme = (await get(href)).body.match(/<html[^>]*data-site="([a-z]+)"/)?.[1];
        if (!theme || themes.has(theme)) continue;
        themes.add(theme);
        found.push({ name: `${theme} home`, url: href, tags: 'home' });
      }
      assert.ok(themes.has('county') && themes.has('department'), `the all-sites page leads to a county and a department (found: ${[...themes]})`);
      return found;
    } finally {
      await window.close();
    }
  })();
  return kindsFound;
}

journey('a citizen reads: home, column, document', {}, async ({ page, city }) => {
  await page.goto(city.site(address.portal));
  await pageTags(page, 'home');
  await assertHeading(page);
  await page.goto(city.site(address.portal, address.policies));
  await pageTags(page, 'column');
  const title = (await documents(page).first().innerText()).replace(/\s/g, '');
  await openDocument(page, city);
  await pageTags(page, 'article');
  const heading = (await page.locator('h1').innerText()).replace(/\s/g, '');
  assert.equal(heading, title, 'the document is headed as the list names it');
  const tag = await page.locator('meta[name=ArticleTitle]').getAttribute('content');
  assert.equal(tag.replace(/\s/g, ''), heading, 'ArticleTitle is the visible title');
  // And back by the trail.
  await page.getByRole('navigation', { name: '当前位置' }).getByRole('link').last().click();
  assert.match(new URL(page.url()).pathname, /^\/zhengce/);
});

journey('a citizen searches and narrows', {}, async ({ page, city }) => {
  await page.goto(city.site(address.portal));
  const form = page.getByRole('search').first();
  await form.getByRole('searchbox').fill('通知');
  await form.getByRole('button', { name: word.search }).click();
  assert.match(decodeURIComponent(page.url()), /[?&]q=通知/);
  const before = count(await main(page).getByRole('status').first().innerText());
  assert.ok(before > 0, 'the demo city has documents that say 通知');
  assert.ok((await main(page).locator('mark').count()) > 0, 'hits are marked');
  const narrower = main(page).locator('.gk-facet a:not([aria-current])').first();
  await narrower.click();
  const after = count(await main(page).getByRole('status').first().innerText());
  assert.ok(after > 0 && after <= before, `a facet narrows: ${before} before, ${after} after`);
  await documents(page).first().click();
  assert.ok(await page.locator('h1').isVisible());
});

journey('site map and all sites lead on', {}, async ({ page, city }) => {
  await page.goto(city.site(address.portal));
  await page.getByRole('link', { name: word.siteMap }).first().click();
  assert.ok((await main(page).getByRole('link').count()) >= 3, 'the site map lists the columns');
  await page.goto(city.site(address.portal));
  const all = page.getByRole('link', { name: word.allSites }).first();
  await page.goto(new URL(await all.getAttribute('href'), page.url()).href);
  const other = main(page).locator('a[href^="/go/"]').filter({ hasNotText: '云川市人民政府' }).first();
  const name = (await other.innerText()).trim();
  await other.click();
  // The link leads over a redirect, since published pages cannot know the port.
  await page.waitForURL((url) => url.hostname !== `${address.portal}.localhost`);
  assert.ok(name, 'the other site has a name');
  await pageTags(page, 'home');
});

journey('elder mode and high contrast: a link sets a cookie and returns', {}, async ({ page, city, window }) => {
  const from = city.site(address.portal, address.policies);
  const size = () => main(page).locator('a').first().evaluate((e) => parseFloat(getComputedStyle(e).fontSize));
  // What is painted behind the page: the body's colour, or the root's where the body has none.
  const ground = () => page.evaluate(() => {
    const of = (e) => getComputedStyle(e).backgroundColor;
    return of(document.body) === 'rgba(0, 0, 0, 0)' ? of(document.documentElement) : of(document.body);
  });
  await page.goto(from);
  const [small, light] = [await size(), await ground()];
  await page.getByRole('link', { name: word.elder }).first().click();
  assert.equal(page.url(), from, 'the link returns to the page');
  assert.ok((await window.cookies()).length > 0, 'a cookie remembers it');
  assert.ok((await size()) >= 18 && (await size()) > small, 'text grows to 18 px or more');
  await page.getByRole('link', { name: word.contrast }).first().click();
  assert.equal(page.url(), from);
  assert.notEqual(await ground(), light, 'high contrast changes the ground');
  // The bytes are the same for everyone: the mode comes from /mode.css alone.
  const [plain, cookie] = [await get(from), (await window.cookies()).map((c) => `${c.name}=${c.value}`).join('; ')];
  assert.equal((await get(from, { headers: { cookie } })).body, plain.body, 'published bytes hold no mode');
  for (const c of await window.cookies()) assert.equal(c.sameSite, 'Lax', `${c.name} is SameSite=Lax`);
  // And back again.
  await page.getByRole('link', { name: word.plainText }).first().click();
  await page.getByRole('link', { name: word.plainColour }).first().click();
  assert.equal(page.url(), from);
  assert.deepEqual([await size(), await ground()], [small, light], 'both modes are left again');
});

journey('an address that never was: 404 helps', { expects: [404] }, async ({ page, city }) => {
  const answer = await page.goto(city.site(address.portal, address.missing));
  assert.equal(answer.status(), 404);
  await main(page).getByText(word.notFound).first().waitFor();
  assert.ok(await page.getByRole('search').first().isVisible(), 'the page offers the search');
  await page.locator('header a').first().waitFor();
});

journey('by keyboard: the first Tab reaches the skip link, Enter the text', {}, async ({ page, city }) => {
  for (const { url, name } of (await kinds()).filter((k) => !k.status)) {
    await page.goto(url);
    await page.keyboard.press('Tab');
    const focused = page.locator(':focus');
    assert.equal((await focused.innerText()).trim(), word.skip, `${name}: the first stop is the skip link`);
    assert.ok(await focused.isVisible(), `${name}: the skip link shows while it has the focus`);
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'main', `${name}: Enter moves into the text`);
    // The next stop must show where it is.
    await page.keyboard.press('Tab');
    const outline = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    });
    assert.ok(outline, `${name}: focus is outlined`);
  }
  // A search without the mouse.
  await page.goto(city.site(address.portal));
  await page.getByRole('searchbox').first().focus();
  await page.keyboard.type('通知');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/search\?/);
});

journey('without script: read, search, change the mode', { javaScriptEnabled: false }, async ({ page, city }) => {
  await page.goto(city.site(address.portal));
  await page.getByRole('searchbox').first().fill('通知');
  await page.getByRole('button', { name: word.search }).first().click();
  await documents(page).first().click();
  assert.ok((await page.locator('h1').innerText()).trim().length > 0);
  const there = page.url();
  await page.getByRole('link', { name: word.elder }).first().click();
  assert.equal(page.url(), there);
});

journey('no page scrolls sideways at 320 px', { viewport: { width: 320, height: 640 }, expects: [404] }, async ({ page, city }) => {
  for (const { url } of await kinds()) {
    await page.goto(url);
    await noSidewaysScroll(page);
  }
  // Nor in the elder mode, where everything is larger.
  await page.goto(city.site(address.portal));
  await page.getByRole('link', { name: word.elder }).first().click();
  for (const { url } of await kinds()) {
    await page.goto(url);
    await noSidewaysScroll(page);
  }
});

journey('every kind of page is valid HTML', {}, async () => {
  for (const { url, status = 200 } of await kinds()) await validHtml(url, status);
});

journey('every kind of page carries its tags and the statutory footer', { expects: [404] }, async ({ page }) => {
  for (const { url, tags } of await kinds()) {
    await page.goto(url);
    if (tags) await pageTags(page, tags);
    const footer = await page.locator('footer').last().innerText();
    for (const part of ['网站标识码', '主办', '网站地图', 'ICP备', '公网安备', '找错']) {
      assert.ok(footer.replace(/\s/g, '').includes(part), `${url}: the footer names ${part}`);
    }
  }
});

for (const mode of ['normal', 'elder', 'contrast']) {
  for (const width of [390, 1280]) {
    journey(`axe finds nothing: ${mode}, ${width} px`, { viewport: { width, height: 900 }, expects: [404] }, async ({ page, city }) => {
      const all = await kinds();
      if (mode !== 'normal') {
        // A cookie holds for one host: switch on every host that is visited.
        for (const host of new Set(all.map((k) => new URL(k.url).origin))) {
          await page.goto(`${host}/`);
          await page.getByRole('link', { name: mode === 'elder' ? word.elder : word.contrast }).first().click();
        }
      }
      for (const { url } of all) {
        await page.goto(url);
        await accessible(page, mode);
      }
      assert.ok(city);
    });
  }
}

journey('machines are served: feed, sitemap, robots', {}, async ({ city }) => {
  const feed = await get(city.site(address.portal, address.feed));
  assert.equal(feed.status, 200);
  assert.match(feed.headers['content-type'], /xml/);
  assert.match(feed.body, /<(item|entry)>/, 'the feed has entries');
  const map = await get(city.site(address.portal, address.sitemap));
  assert.equal(map.status, 200);
  assert.match(map.body, /<loc>https?:\/\//, 'the sitemap has absolute addresses');
  const robots = await get(city.site(address.portal, address.robots));
  assert.match(robots.body, /^Sitemap: https?:\/\/\S+\/sitemap\.xml/m);
});

journey('the two doors: neither side knows the other\'s routes', {}, async ({ city }) => {
  assert.equal((await get(city.home(address.staffLogin))).status, 404, 'no login on the public side');
  assert.equal((await get(city.home('/metrics'))).status, 404, 'no metrics on the public side');
  assert.notEqual((await get(city.staff(address.policies))).status, 200, 'no public page on the staff side');
  for (const side of [city.home, city.staff]) assert.equal((await get(side('/healthz'))).status, 200);
  const page = await get(city.home('/'));
  assert.match(page.headers['content-security-policy'] ?? '', /default-src 'self'/);
  assert.doesNotMatch(page.headers['content-security-policy'] ?? '', /unsafe-inline|unsafe-eval/);
});

async function assertHeading(page) {
  assert.equal(await page.locator('h1').count(), 1, `${page.url()} has one h1`);
}

function count(text) {
  return Number(text.replace(/,/g, '').match(/\d+/)?.[0] ?? 0);
}
