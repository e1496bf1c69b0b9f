// The page of an operation while it runs: timeline, log, stop and retry with the
// same dialogue as in chat; the cluster's page; and the way back.
'use strict';
const { assert, call, card, chat, confirm, enter, linkFor, play, say, until } = require('./lib');

play(async () => {
  const page = await enter(await linkFor(), { viewport: { width: 1280, height: 560 } });
  await say(page, 'cluster create demo region=sandbox masters=1 workers=2');
  await confirm(page, 'demo');
  await card(page).getByRole('link', { name: /page/ }).click();
  await page.waitForURL(/\/op\/op-1$/);
  await page.evaluate(() => { window.sameDocument = true; });

  // the timeline moves, and the log grows and is followed
  const rows = (state) => page.locator(`.tl tbody tr.st-${state}`);
  const status = page.locator('.op-title .badge').first();
  await rows('running').first().waitFor();
  const view = page.locator('[data-log-view]'), lines = page.locator('.log-row .log-text'), follow = page.locator('[data-log-follow]');
  const total = async () => parseInt((await page.locator('[data-log-count]').innerText()).replace(/\D/g, '') || '0', 10);
  const atEnd = () => view.evaluate((v) => v.scrollTop + v.clientHeight >= v.scrollHeight - 60);
  assert.equal(await follow.getAttribute('aria-pressed'), 'true');
  const done = await rows('done').count(), before = await total();
  await call('pace', 'held at join');
  await until('the timeline moves', async () => (await rows('done').count()) > done);
  await rows('running').filter({ hasText: 'Workers' }).first().waitFor();
  await until('the log is longer than its window', () => view.evaluate((v) => v.scrollHeight > v.clientHeight + 40));
  await until('the log grows', async () => (await total()) > before);
  await until('its end is in sight', atEnd);
  await view.hover();
  await page.mouse.wheel(0, -4000);
  await until('who scrolls up stops following', async () => (await follow.getAttribute('aria-pressed')) === 'false');
  await follow.click();
  await until('who asks for it follows again', atEnd);

  // stop it here, by the same dialogue
  const ask = page.locator('dialog#ask');
  await page.locator('.op-title').getByRole('button', { name: 'Stop' }).click();
  await ask.waitFor();
  await page.locator('#ask-feed .entry.bot').first().waitFor();
  await status.filter({ hasText: /^stopping/i }).waitFor();
  await call('pace', 'quick');
  await status.filter({ hasText: /^stopped/i }).waitFor();
  await page.keyboard.press('Escape');
  await ask.waitFor({ state: 'hidden' });
  assert.match(await chat('op list'), /stopped/);
  assert.ok(await page.evaluate(() => window.sameDocument), 'the page was loaded again');

  // search and filter
  const words = page.locator('[data-log-q]');
  await words.fill('kubeadm');
  await page.locator('.log-text mark').first().waitFor();
  await until('only lines with the word', async () => {
    const texts = await lines.allInnerTexts();
    return texts.length > 0 && texts.every((t) => /kubeadm/i.test(t));
  });
  await until('the address keeps the search', () => /q=kubeadm/.test(page.url()));
  await words.fill('no such word anywhere');
  await until('nothing matches', async () => (await lines.count()) === 0);
  await words.fill('');
  const node = page.locator('[data-log-node]');
  await node.selectOption('demo-m1');
  await page.locator('[data-log-phase]').selectOption('images');
  await until('lines of one node and phase', async () => (await lines.count()) > 0);

  // download what is shown
  const [file] = await Promise.all([page.waitForEvent('download'), page.locator('[data-log-download]').click()]);
  let text = '';
  for await (const part of await file.createReadStream()) text += part;
  assert.ok(text.includes('demo-m1') && !text.includes('demo-w1'), `the download is not what is shown:\n${text.slice(0, 400)}`);
  await node.selectOption('');
  await page.locator('[data-log-phase]').selectOption('');

  // try again, and watch it through
  await page.locator('.op-title').getByRole('button', { name: /Retry|Try again/ }).click();
  await page.locator('#ask-feed .entry.bot').first().waitFor();
  await page.locator('dialog [data-close]').click();
  await status.filter({ hasText: /done|succeeded/i }).waitFor({ timeout: 60000 });
  await until('nothing is left to do', async () => (await rows('pending').count()) === 0);

  // the cluster's page: its nodes come after it
  await page.locator('.facts a', { hasText: 'demo' }).click();
  await page.waitForURL(/\/clusters\/default\/demo$/);
  await page.locator('#nodes .badge-ok', { hasText: /3/ }).waitFor();
  assert.ok(await page.getByText(/simulated/i).first().isVisible());
  const context = page.context();
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.locator('#nodes [data-copy]').click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'cluster nodes demo');

  // a dialogue that was closed before its question had gone out leaves nothing in the
  // way of the next one
  let go;
  const held = new Promise((done) => { go = done; });
  await page.route('**/v1/messages', async (route) => {
    await held;
    await route.continue();
  }, { times: 1 });
  await page.getByRole('button', { name: 'Delete' }).click();
  await ask.waitFor();
  await page.keyboard.press('Escape');
  await ask.waitFor({ state: 'hidden' });
  await Promise.all([page.waitForResponse(/v1\/messages/), go()]);

  // a delete asks for the name in the dialogue; nobody has to
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.locator('#ask-feed .entry.bot', { hasText: 'demo' }).waitFor();
  await page.keyboard.press('Escape');
  await ask.waitFor({ state: 'hidden' });
  assert.match(await chat('cluster list'), /demo/);

  // and back
  await page.goBack();
  await page.waitForURL(/\/op\/op-1/);
  await page.goBack();
  await page.waitForURL(/\/rooms\//);
  await page.locator('#feed .entry.card.sev-ok').waitFor();
});
