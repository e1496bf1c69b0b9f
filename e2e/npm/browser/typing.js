// A cluster by form, and one by typing with completion; history; wrong words.
'use strict';
const { assert, axe, base, card, chat, confirm, enter, linkFor, play, say, until } = require('./lib');

// a secret that is typed into the line is in no address, is not remembered, and is
// not seen
async function secrets(page) {
  const text = page.locator('#text'), secret = page.locator('#secret'), typed = 'correct-horse-9';
  const asked = [];
  page.on('request', (r) => asked.push(`${r.method()} ${r.url()}`));
  const kept = () => page.evaluate(() => sessionStorage.getItem('said'));
  await say(page, 'whoami');
  await until('what was said is kept', async () => /whoami/.test(await kept()));

  // the beginning is typed before the question is there
  await page.locator('#text').fill('credential add k9 user=root');
  await page.keyboard.press('Enter');
  await page.keyboard.type(typed.slice(0, 7));
  await secret.waitFor();
  assert.ok(await text.isHidden(), 'there are two lines');
  assert.equal(await text.inputValue(), '');
  await until('the line has the focus', () => secret.evaluate((e) => e === document.activeElement));
  assert.equal(await secret.getAttribute('type'), 'password');
  await axe(page, 'a question for a secret');
  await page.reload(); // it is asked all the same
  await secret.waitFor();
  await until('the line has the focus', () => secret.evaluate((e) => e === document.activeElement));
  asked.length = 0;
  await page.keyboard.type(typed);
  await chat('--room', 'ops', 'help'); // what comes for other rooms changes nothing
  assert.equal(await secret.inputValue(), typed);
  await page.keyboard.press('ArrowUp');
  assert.equal(await secret.inputValue(), typed, 'history comes over a secret');
  const watch = page.evaluate((word) => new Promise((done) => {
    const seen = new MutationObserver(() => {
      const said = document.querySelector('#feed .entry.mine:last-of-type .said');
      if (document.querySelector('#feed').textContent.includes(word)) done('shown');
      if (said && said.textContent === '••••' && !document.querySelector('#feed .pending')) done('hidden');
    });
    seen.observe(document.querySelector('#feed'), { childList: true, subtree: true, characterData: true });
  }), typed);
  await page.keyboard.press('Enter');
  assert.equal(await watch, 'hidden');
  await text.waitFor(); // the answer is there
  assert.equal(await text.inputValue(), '');
  assert.match(await chat('credential list'), /k9/);
  assert.deepEqual(asked.filter((a) => a.includes('complete') || a.includes('/ui/form')), [], 'completion was asked for');
  await page.keyboard.press('ArrowUp');
  assert.notEqual(await text.inputValue(), typed);
  await text.fill('');

  // a secret that was typed where none was asked for is not kept either
  await say(page, `credential add k10 user=root password=${typed}`);
  await page.locator('#feed .said', { hasText: 'k10' }).waitFor();
  await page.locator('#feed .entry.mine.pending').waitFor({ state: 'detached' });
  await say(page, 'cluster list');
  await until('what was said is kept', async () => /cluster list/.test(await kept()));
  assert.ok(!(await kept()).includes(typed), `kept: ${await kept()}`);
  assert.deepEqual(asked.filter((a) => a.includes(typed) || a.includes('/v1/complete?')), [], 'it is in an address');

  // the dialogue on other pages hides it too, and shows it again to nobody
  await page.goto(base + '/clusters/default/by-form');
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.locator('#ask-feed .entry.bot', { hasText: 'by-form' }).waitFor();
  const short = page.locator('#ask-text');
  await short.fill('credential add k11 user=root');
  await short.press('Enter');
  await page.locator('#ask-text[type=password]').waitFor();
  await short.pressSequentially(typed);
  await short.press('Enter');
  await page.locator('#ask-text[type=text]').waitFor();
  assert.equal(await short.inputValue(), '');
  assert.match(await chat('credential list'), /k11/);
  await page.keyboard.press('Escape');
  assert.deepEqual(asked.filter((a) => a.includes(typed)), [], 'it is in an address');

  // and nothing is left for who comes after
  await page.locator('form[action="/leave"] button').click();
  await page.waitForURL(/\/enter/);
  assert.equal(await kept(), null);
}

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

  await secrets(page);
});
