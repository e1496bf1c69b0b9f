// The plug is pulled in the middle of a create: the page goes on by itself. Then
// the stop button, and the one that tries again.
'use strict';
const { assert, base, call, card, chat, confirm, enter, expected, linkFor, play, say, until } = require('./lib');

play(async () => {
  const page = await enter(await linkFor());
  await page.evaluate(() => { window.sameDocument = true; });
  // what the card showed, each time that it changed: nothing may go backwards
  await page.evaluate(() => {
    window.shown = [];
    new MutationObserver(() => {
      const p = document.querySelector('#feed .entry.card progress');
      if (p && p.value !== window.shown.at(-1)) window.shown.push(p.value);
    }).observe(document.querySelector('#feed'), { childList: true, subtree: true });
  });
  const done = () => card(page).locator('progress').evaluate((p) => p.value);

  await say(page, 'cluster create demo region=sandbox masters=1 workers=1');
  await confirm(page, 'demo');
  await card(page).waitFor();
  await until('the card moves', async () => (await done()) >= 2);

  expected.push(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
  await call('kill');
  await page.locator('body.offline').waitFor();
  await page.locator('#text').fill('whoami'); // said while nobody listens: it arrives later, once
  await page.keyboard.press('Enter');
  const before = await done();
  await call('pace', 'quick');
  await call('start');
  await until('the card goes on', async () => (await done()) > before);
  await page.locator('body:not(.offline)').waitFor();
  await page.locator('#feed .entry.card.sev-ok').waitFor({ timeout: 60000 });
  assert.ok(await page.evaluate(() => window.sameDocument), 'the page was loaded again');
  const shown = await page.evaluate(() => window.shown);
  assert.deepEqual(shown, [...shown].sort((a, b) => a - b), 'the card went backwards');
  assert.equal(shown.at(-1), await card(page).locator('progress').evaluate((p) => p.max));

  const entries = () => page.locator('#feed .entry[data-id]').evaluateAll((all) => all.map((e) => e.dataset.id));
  const live = await entries();
  assert.equal(new Set(live).size, live.length, 'an entry is there twice');
  await page.locator('#feed .said', { hasText: /^whoami$/ }).first().waitFor();
  assert.equal(await page.locator('#feed .said', { hasText: /^whoami$/ }).count(), 1, 'what was said in the dark is not there once');
  await page.locator('#feed .entry.bot', { hasText: 'local:local' }).waitFor();
  const seen = await entries();
  await page.reload();
  assert.deepEqual(await entries(), seen, 'what came live is not what the server has');

  // stop, on the card
  await call('pace', 'held at join');
  await say(page, 'cluster create second region=sandbox masters=1 workers=1');
  await confirm(page, 'second');
  const second = page.locator('#feed .entry.card', { hasText: 'second' });
  await second.locator('.st-running', { hasText: 'Workers' }).waitFor();
  await second.getByRole('button', { name: 'Stop' }).click();
  await second.filter({ hasText: /Stopping/ }).waitFor();
  await call('pace', 'quick');
  await second.filter({ hasText: /Stopped/ }).waitFor();
  await second.getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached' });
  assert.match(await chat('op list'), /stopped/);

  // and once more
  await second.getByRole('button', { name: /Retry|Try again/ }).click();
  const running = page.locator('#feed .entry.card', { hasText: 'second' }).last();
  await running.and(page.locator('.sev-ok')).waitFor({ timeout: 60000 });

  // who was signed out meanwhile is not told of an outage for good
  const other = await page.context().newPage();
  await other.goto(`${base}/op/op-1`);
  await other.waitForFunction(() => document.querySelector('main [data-offline]').hidden);
  await call('kill');
  await page.locator('body.offline').waitFor();
  await other.locator('main [data-offline]').waitFor();
  await page.context().clearCookies();
  expected.push(/status of 401/);
  await call('start');
  await page.waitForURL(/\/enter\?next=%2Frooms%2F/);
  await other.waitForURL(/\/enter\?next=%2Fop%2Fop-1/);
});
