// Without a mouse: everything by keys, with a focus that can be seen. Then the
// switches for language and colours, a phone's menu, and the way out.
'use strict';
const { assert, base, card, enter, linkFor, play, say, until } = require('./lib');

// to presses Tab until something has the focus.
async function to(page, what, key = 'Tab') {
  const target = await what.first().elementHandle();
  for (let i = 0; i < 150; i++) {
    await page.keyboard.press(key);
    const seen = await page.evaluate((wanted) => {
      const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
      return { there: e === wanted, what: e.outerHTML.slice(0, 120), body: e === document.body, ring: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1,
        near: r.bottom > 0 && r.top < innerHeight && r.width > 0, bar: e.closest('svg') !== null };
    }, target);
    assert.ok(seen.body || seen.ring, `nobody sees that this has the focus: ${seen.what}`);
    assert.ok(seen.body || seen.near, `the focus is out of sight: ${seen.what}`);
    assert.ok(!seen.bar, `a bar of the timeline is a stop for keys: ${seen.what}`);
    if (seen.there) return;
  }
  assert.fail(`keys do not lead to ${what}`);
}
async function press(page, what, key) {
  await to(page, what, key);
  await page.keyboard.press('Enter');
}

async function create(page) {
  await press(page, page.getByRole('button', { name: 'Create a first cluster' }), 'Shift+Tab');
  await press(page, page.getByRole('button', { name: 'Confirm' }));
  await page.locator('#feed .entry.card.sev-ok').waitFor();
  await page.locator('#feed').focus();
  await page.keyboard.press('/');
  assert.ok(await page.locator('#text').evaluate((e) => e === document.activeElement), '/ does not lead to the line');
  assert.equal(await page.locator('#text').inputValue(), '');
  await page.keyboard.type('cluster list');
  await page.keyboard.press('Enter');
  await page.locator('#feed .bubble table', { hasText: 'demo' }).last().waitFor();
}

async function operation(page) {
  await press(page, card(page).getByRole('link', { name: /page/ }), 'Shift+Tab');
  await page.waitForURL(/\/op\/op-1$/);
  const skip = page.locator('a.skip');
  await page.keyboard.press('Tab');
  assert.ok(await skip.evaluate((e) => e === document.activeElement), 'the first stop does not lead past the navigation');
  await page.keyboard.press('Enter');
  assert.ok(await page.locator('main').evaluate((e) => e === document.activeElement), 'the skip link leads nowhere');
  await to(page, page.locator('summary', { hasText: 'Every step' }));
  await page.keyboard.press('Enter');
  await page.locator('.steps table').waitFor();
  await to(page, page.locator('[data-log-phase]'));
  await page.keyboard.press('ArrowDown');
  await until('the phase is chosen', async () => /phase=/.test(page.url()));
  await page.keyboard.press('Home');
  await to(page, page.locator('[data-log-q]'));
  await page.keyboard.type('kubeadm');
  await page.locator('.log-text mark').first().waitFor();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
  const view = page.locator('[data-log-view]');
  await until('the log is whole again', () => view.evaluate((v) => v.scrollHeight > v.clientHeight));
  await to(page, view);
  await page.keyboard.press('Home');
  await until('its beginning', () => view.evaluate((v) => v.scrollTop === 0));
  await page.keyboard.press('PageDown');
  await until('keys scroll the log', () => view.evaluate((v) => v.scrollTop > 0));
}

// a question opens over the page, keeps the focus, and gives it back
async function dialogue(page) {
  await press(page, page.locator('nav').getByRole('link', { name: 'Clusters' }), 'Shift+Tab');
  await page.waitForURL(/\/clusters$/);
  await press(page, page.locator('main').getByRole('link', { name: 'demo' }));
  await page.waitForURL(/\/clusters\/default\/demo$/);
  await press(page, page.getByRole('button', { name: 'Delete' }));
  await page.locator('#ask-feed .entry.bot', { hasText: 'demo' }).waitFor();
  for (let i = 0; i < 8; i++) {
    await page.keyboard.press('Tab');
    assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest('dialog')), 'the focus leaves the dialogue');
  }
  await page.keyboard.press('Escape');
  await page.locator('dialog#ask').waitFor({ state: 'hidden' });
  assert.ok(await page.getByRole('button', { name: 'Delete' }).evaluate((e) => e === document.activeElement), 'the dialogue does not give the focus back');
  await until('what was read in the dialogue is read', async () => {
    await page.reload();
    return (await page.locator('.rooms .unread:visible').count()) === 0;
  }, 10000);
}

async function switches(page) {
  const root = page.locator('html'), dark = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await dark();
  await press(page, page.locator('[data-theme-switch]'), 'Shift+Tab');
  assert.equal(await root.getAttribute('data-theme'), 'dark');
  assert.notEqual(await dark(), before);
  await page.reload();
  assert.equal(await root.getAttribute('data-theme'), 'dark', 'the colours are forgotten');
  await press(page, page.locator('[data-setlang]'));
  await page.waitForFunction(() => document.documentElement.lang === 'zh-CN');
  await page.getByRole('button', { name: '删除' }).waitFor();
  await page.goto(base + '/');
  await page.locator('#asform', { hasText: '表单' }).waitFor();
  await say(page, '集群 列表');
  await page.locator('#feed .entry.bot', { hasText: '名称' }).last().waitFor();
  await say(page, '集群 列 表 demo');
  await page.locator('#feed .entry.bot.sev-bad').or(page.locator('#feed .entry.bot.sev-warn')).last().waitFor();
  assert.match(await page.locator('#feed .entry.bot').last().innerText(), /[\u4e00-\u9fff]/, 'what is wrong is not said in Chinese');
}

async function phone() {
  const page = await enter(await linkFor(), { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const side = page.locator('#side a[href="/operations"]');
  assert.ok(!(await side.isVisible()), 'the menu covers the room');
  await page.locator('#menu summary').tap();
  await side.waitFor();
  await page.keyboard.press('Escape');
  await side.waitFor({ state: 'hidden' });
  await page.locator('#menu summary').tap();
  await side.tap();
  await page.waitForURL(/\/operations$/);
  await page.locator('main').getByRole('link', { name: 'op-1' }).tap();
  await page.waitForURL(/\/op\/op-1$/);
  const small = await page.locator('main a:visible, main button:visible, main select:visible').evaluateAll((all) => all
    .filter((e) => !e.closest('svg, p, td, th') && e.getBoundingClientRect().height < 24).map((e) => e.outerHTML.slice(0, 100)));
  assert.deepEqual(small, [], 'too small for a finger');
}

play(async () => {
  const page = await enter(await linkFor());
  await create(page);
  await operation(page);
  await dialogue(page);
  await switches(page);
  await phone();
  await press(page, page.getByRole('button', { name: '退出登录' }), 'Shift+Tab');
  await page.waitForURL(/\/enter/);
  await page.goto(base + '/op/op-1');
  await page.waitForURL(/\/enter/);
});
