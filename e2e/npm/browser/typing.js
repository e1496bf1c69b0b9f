// A cluster by form, and one by typing with completion; history; wrong words.
'use strict';
const { assert, card, confirm, enter, linkFor, play, say, until } = require('./lib');

play(async () => {
  const page = await enter(await linkFor());
  const text = page.locator('#text'), options = page.locator('#options [role=option]');
  const succeeded = () => page.locator('#feed .entry.card.sev-ok');

  // by form
  await page.locator('#asform').click();
  const form = page.locator('form.fill');
  await form.waitFor(); // and no second one: a locator that finds two fails
  const field = (label) => form.getByLabel(label, { exact: true });
  await form.getByRole('button', { name: 'Go on' }).click();
  assert.equal(await form.locator(':invalid').count(), 1, 'a form without its required field goes out');
  assert.ok(await field('name *').evaluate((e) => e === document.activeElement), 'the empty field is not shown');
  await field('name *').fill('by-form');
  await field('region').fill('sandbox');
  await field('workers').fill('1');
  await Promise.all([page.waitForEvent('requestfinished', (r) => r.url().includes('/ui/form')), page.locator('#asform').click()]);
  assert.equal(await page.locator('form.fill').count(), 1, 'a second press opens a second form');
  assert.equal(await field('name *').inputValue(), 'by-form', 'a second press empties the form');
  await form.getByRole('button', { name: 'Go on' }).click();
  await confirm(page, 'by-form');
  await succeeded().waitFor();
  assert.match(await card(page).innerText(), /by-form/);
  await until('the form goes after it was sent', async () => (await page.locator('form.fill').count()) === 0);

  // a form that nobody wants closes by Escape
  await page.locator('#asform').click();
  await form.waitFor();
  await page.keyboard.press('Escape');
  await form.waitFor({ state: 'detached' });
  assert.ok(await text.evaluate((e) => e === document.activeElement), 'the focus is lost with the form');

  // by typing: Tab takes the first, arrows choose
  await text.pressSequentially('clu');
  await options.filter({ hasText: 'cluster' }).first().waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await text.inputValue(), 'cluster ');
  await text.pressSequentially('cr');
  await options.first().filter({ hasText: 'create' }).waitFor();
  await page.keyboard.press('ArrowDown');
  assert.equal(await text.getAttribute('aria-activedescendant'), await options.first().getAttribute('id'));
  await page.keyboard.press('Enter');
  assert.equal(await text.inputValue(), 'cluster create ');
  await text.pressSequentially('by-typing reg');
  await options.first().filter({ hasText: 'region=' }).waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await text.inputValue(), 'cluster create by-typing region=');
  await options.filter({ hasText: 'sandbox' }).waitFor();
  const all = await options.count();
  for (let i = 0; i < all; i++) {
    await page.keyboard.press('ArrowDown');
    if (/sandbox/.test(await page.locator('#options [aria-selected=true]').innerText())) break;
  }
  await page.keyboard.press('Enter');
  assert.match(await text.inputValue(), /region=sandbox $/);
  await options.first().waitFor();
  await page.keyboard.press('Escape');
  assert.ok(await page.locator('#options').isHidden(), 'Escape leaves the options open');
  await page.keyboard.press('Enter');
  await confirm(page, 'by-typing');
  await until('the second cluster runs', async () => (await succeeded().count()) === 2);

  // names of what there is are completed too
  await text.pressSequentially('cluster show by-t');
  await options.first().filter({ hasText: 'by-typing' }).waitFor();
  await page.keyboard.press('Tab');
  assert.match(await text.inputValue(), /^cluster show by-typing $/);
  await page.keyboard.press('Enter');
  await page.locator('#feed .entry.bot', { hasText: 'v1.' }).last().waitFor();

  // history
  await say(page, 'whoami');
  await until('the line is empty again', async () => (await text.inputValue()) === '');
  await page.keyboard.press('ArrowUp');
  assert.equal(await text.inputValue(), 'whoami');
  await page.keyboard.press('ArrowUp');
  assert.match(await text.inputValue(), /^cluster show by-typing/);
  await page.keyboard.press('ArrowDown');
  assert.equal(await text.inputValue(), 'whoami');
  await page.keyboard.press('ArrowDown');
  assert.equal(await text.inputValue(), '');

  // a wrong word is answered with what is near it
  await say(page, 'clutser list');
  const wrong = page.locator('#feed .entry.bot').last();
  await page.locator('#feed .entry.bot', { hasText: 'clutser' }).waitFor();
  assert.match(await wrong.innerText(), /cluster/);
  assert.match(await wrong.getAttribute('class'), /sev-(warn|bad)/);

  // the same in the person's own words, full width and all
  await say(page, '集群 列表');
  await page.locator('#feed .entry.bot', { hasText: 'by-typing' }).last().waitFor();

  // a long text neither breaks the page nor the line
  await text.fill('x'.repeat(3000) + '\n' + 'y '.repeat(500));
  assert.ok((await text.boundingBox()).height < 800 * 0.45, 'the line grows without bound');
  await text.fill('');
});
