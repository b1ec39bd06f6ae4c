// What the people of the city's offices do on the staff side.
import assert from 'node:assert/strict';
import { accessible, noSidewaysScroll, validText } from './checks.mjs';
import { eventually, get } from './city.mjs';
import { journey } from './journey.mjs';
import { signIn } from './signin.mjs';
import { address, staffColumn, word } from './words.mjs';

/** A window of another person, watched like the first. */
async function person({ browser, city, watch }, role) {
  const window = await browser.newContext({ locale: 'zh-CN', timezoneId: 'Asia/Shanghai', viewport: { width: 1280, height: 900 } });
  window.setDefaultTimeout(10_000);
  watch(window);
  const page = await window.newPage();
  await signIn(page, city, city.login(role));
  return { page, close: () => window.close() };
}

async function choose(page, label, wanted) {
  const field = page.getByLabel(label).first();
  const options = await field.locator('option').allInnerTexts();
  const fits = options.find((text) => wanted.test(text)) ?? options.find((text) => text.trim());
  assert.ok(fits, `${label} offers nothing to choose`);
  await field.selectOption({ label: fits });
}

journey('a wrong password and a wrong code say the same, and keep the name', { expects: [401, 403, 422] }, async ({ page, city }) => {
  const login = city.login('editor');
  await page.goto(city.staff(address.staffLogin));
  await page.getByLabel(word.username).fill(login.username);
  await page.getByLabel(word.password, { exact: true }).fill('不是这个密码');
  if (await page.getByLabel(word.code).count()) await page.getByLabel(word.code).fill('000000');
  await page.getByRole('button', { name: word.signIn }).click();
  await page.getByRole('alert').first().waitFor();
  assert.equal(await page.getByLabel(word.username).inputValue(), login.username, 'the name stays');
  assert.equal(await page.getByLabel(word.password, { exact: true }).inputValue(), '', 'the password does not');
  await accessible(page);
});

journey('nobody enters without signing in', { expects: [401, 403] }, async ({ page, city }) => {
  await page.goto(city.staff(address.staffHome));
  await page.getByLabel(word.password, { exact: true }).waitFor();
  const answer = await get(city.staff('/metrics'));
  assert.ok([200, 401, 403].includes(answer.status));
});

journey('every role signs in and out, and its first page is accessible', {}, async ({ city, browser, watch }) => {
  for (const login of city.logins) {
    const who = await person({ browser, city, watch }, login.role);
    await accessible(who.page);
    await validText(await (await who.page.request.get(who.page.url())).text(), `${login.role}: ${who.page.url()}`);
    await who.page.setViewportSize({ width: 390, height: 844 });
    await accessible(who.page);
    await noSidewaysScroll(who.page);
    await who.page.setViewportSize({ width: 1280, height: 900 });
    await who.page.getByRole('button', { name: word.signOut }).or(who.page.getByRole('link', { name: word.signOut })).first().click();
    await who.page.goto(city.staff(address.staffHome));
    await who.page.getByLabel(word.password, { exact: true }).waitFor();
    await who.close();
  }
});

journey('from draft to page', {}, async (here) => {
  const { city, page } = here;
  const title = `关于公布试运行安排的通知（${Date.now().toString(36)}）`;
  const site = city.login('editor').site ?? address.portal;
  const list = city.site(site, staffColumn.path);

  // The editor writes and submits.
  const editor = await person(here, 'editor');
  await editor.page.getByRole('link', { name: word.draft }).first().click();
  await accessible(editor.page);
  await validText(await (await editor.page.request.get(editor.page.url())).text(), editor.page.url());
  await editor.page.getByLabel(word.title, { exact: true }).fill(title);
  await choose(editor.page, word.column, staffColumn.label);
  await editor.page.getByLabel(word.text).first().fill('各县区人民政府：\n\n现将试运行安排通知如下。\n\n## 一、时间\n\n自公布之日起。');
  await editor.page.getByRole('button', { name: word.submit }).click();
  await editor.page.getByText('待审').first().waitFor();
  assert.ok(!(await get(list)).body.replaceAll('<wbr>', '').includes(title), 'a submitted draft is not public');

  // The reviewer finds it on the work list and passes it.
  const reviewer = await person(here, 'reviewer');
  await reviewer.page.getByRole('link', { name: title }).first().click();
  await accessible(reviewer.page);
  const opinion = reviewer.page.getByLabel(word.opinion);
  if (!(await opinion.count())) await reviewer.page.getByRole('link', { name: /审核/ }).last().click();
  if (await opinion.count()) await opinion.first().fill('内容准确，同意。');
  await reviewer.page.getByRole('button', { name: word.review }).first().click();
  await reviewer.page.getByText('待发').first().waitFor();
  assert.ok(!(await get(list)).body.replaceAll('<wbr>', '').includes(title), 'a reviewed draft is not public');

  // The publisher releases it: it is on the list within two seconds.
  const publisher = await person(here, 'publisher');
  await publisher.page.getByRole('link', { name: title }).first().click();
  await accessible(publisher.page);
  const office = publisher.page.url().replace(/\/publish$/, '');
  if (!publisher.page.url().endsWith('/publish')) await publisher.page.locator('a[href$="/publish"]').first().click();
  await accessible(publisher.page);
  await publisher.page.getByRole('radio', { name: /马上发布/ }).check();
  await publisher.page.getByRole('button', { name: word.publish }).first().click();
  await publisher.page.getByText('已发布').first().waitFor();
  const shown = await eventually('the published title stands on its column', 5000, async () => (await get(list)).body.replaceAll('<wbr>', '').includes(title));
  await page.goto(list);
  await page.getByRole('link', { name: title }).first().click();
  const published = page.url();
  assert.equal((await page.locator('h1').innerText()).replace(/\s/g, ''), title);
  await accessible(page);
  await validText((await get(published)).body, published);
  const hit = city.site(site, `${address.search}?q=${encodeURIComponent(title)}`);
  // The index follows within two seconds; a debug build on a busy machine gets more.
  await eventually('the search finds it', 10_000, async () => (await get(hit)).body.includes(new URL(published).pathname));
  assert.ok((await get(city.site(site, address.feed))).body.replaceAll('<wbr>', '').includes(title), 'the feed has it');

  console.log(`    visible after ${shown.took.toFixed(0)} ms`);
  for (const who of [editor, reviewer, publisher]) await who.close();
});
