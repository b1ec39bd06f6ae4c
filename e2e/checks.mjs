// What every page must pass: axe, the HTML validator, no sideways scroll.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { HtmlValidate } from 'html-validate';
import { get } from './city.mjs';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// All rules, those that axe leaves off by default too, but for one: 7:1 contrast (AAA) is what the high-contrast mode
// is for; 4.5:1 is held everywhere by `color-contrast`.
const left = { normal: ['color-contrast-enhanced'], elder: ['color-contrast-enhanced'], contrast: [] };

/** Runs axe on the page as it stands. Injected past the content security policy, which allows no script of ours. */
export async function accessible(page, mode = 'normal') {
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async (off) => {
    const rules = {};
    for (const { ruleId } of window.axe.getRules()) rules[ruleId] = { enabled: !off.includes(ruleId) };
    const result = await window.axe.run(document, { rules, resultTypes: ['violations'] });
    return result.violations.map(({ id, help, nodes }) => ({
      id,
      help,
      count: nodes.length,
      where: nodes.slice(0, 3).map((n) => `${n.target.join(' ')}: ${n.html.slice(0, 160)} (${n.any[0]?.message ?? n.failureSummary})`),
    }));
  }, left[mode]);
  assert.deepEqual(violations, [], `axe, ${mode}, ${page.viewportSize().width} px: ${page.url()}`);
}

const validator = new HtmlValidate({ extends: ['html-validate:standard'], elements: ['html5'] });

/** Validates the bytes that the server sends, not the tree that the browser mended. */
export async function validHtml(url, expected = 200, headers = {}) {
  const answer = await get(url, { headers });
  assert.equal(answer.status, expected, `status of ${url}`);
  await validText(answer.body, url);
  return answer;
}

export async function validText(body, url) {
  const report = await validator.validateString(body);
  const faults = report.results.flatMap((r) => r.messages).map((m) => `${m.line}:${m.column} ${m.ruleId}: ${m.message}`);
  assert.deepEqual(faults, [], `HTML of ${url}`);
}

/** No page scrolls sideways; wide tables scroll inside their own frame. */
export async function noSidewaysScroll(page) {
  const { wide, room, culprits } = await page.evaluate(() => {
    const room = document.documentElement.clientWidth;
    const culprits = [...document.querySelectorAll('body *')]
      .filter((e) => e.getBoundingClientRect().right > room + 1)
      .slice(0, 3)
      .map((e) => e.outerHTML.slice(0, 120));
    return { wide: document.documentElement.scrollWidth, room, culprits };
  });
  assert.ok(wide <= room, `${page.url()} is ${wide} px wide in a window of ${room} px: ${culprits.join(' | ')}`);
}

/** The ten page tags of government sites: those of the kind are there and none is empty. */
export async function pageTags(page, kind) {
  const want = {
    home: ['SiteName', 'SiteDomain', 'SiteIDCode'],
    column: ['SiteName', 'SiteDomain', 'SiteIDCode', 'ColumnName', 'ColumnDescription', 'ColumnKeywords', 'ColumnType'],
  };
  want.article = [...want.column, 'ArticleTitle', 'PubDate', 'ContentSource'];
  const tags = await page.evaluate(() =>
    Object.fromEntries([...document.querySelectorAll('meta[name]')].map((m) => [m.getAttribute('name'), m.content])),
  );
  for (const name of want[kind]) assert.ok(tags[name]?.trim() && tags[name] !== 'null', `${page.url()}: <meta name="${name}"> is missing or empty`);
  assert.doesNotMatch(tags.SiteDomain, /\/|:/, 'SiteDomain is a host only');
  if (kind === 'article') assert.match(tags.PubDate, /^\d{4}-\d\d-\d\d \d\d:\d\d$/, 'PubDate');
}
