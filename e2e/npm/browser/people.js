// Several rooms, several people, several tabs; and people who mean harm.
'use strict';
const { assert, base, card, chat, confirm, enter, expected, linkFor, play, say, until } = require('./lib');

const script = '<script>window.__pwned=3</script><img src=x onerror="window.__pwned=4">';

// unread marks of rooms that are not open
async function marks(page) {
  const ops = page.locator('.rooms a[data-room=ops]');
  await ops.locator('.unread:visible').waitFor();
  const count = parseInt(await ops.locator('.n').innerText(), 10);
  await chat('--room', 'ops', 'help');
  await until('the mark counts on', async () => parseInt(await ops.locator('.n').innerText(), 10) > count);
  const room = page.url();
  await ops.click();
  await page.locator('h1', { hasText: 'ops' }).waitFor();
  await page.locator('#feed .entry.bot').first().waitFor();
  await until('the mark goes in the open room', async () => (await ops.locator('.unread:visible').count()) === 0);
  await page.goto(room);
  await until('the mark stays away after the room was read', async () => (await ops.locator('.unread:visible').count()) === 0);
}

// a person of another project sees nothing of this one
async function alice(page) {
  for (const path of ['/op/op-1', '/clusters/default/secret', '/rooms/default']) {
    const there = await page.goto(base + path);
    assert.equal(there.status(), 404, path);
    const is = await page.locator('main').innerText();
    const not = await page.goto(base + path.replace('op-1', 'op-999').replace('secret', 'nothing').replace('/default', '/nowhere'));
    assert.equal(not.status(), 404);
    assert.equal(await page.locator('main').innerText(), is, `${path} tells more than what is not there`);
    assert.ok(!/secret|op-1\b/.test(is), is);
  }
  for (const path of ['/op/op-1/log', '/op/op-1/log.txt', '/op/op-1/events', '/ui/events?room=default&after=0', '/ui/events?room=terminal&after=0']) {
    const got = await page.evaluate(async (to) => {
      const stop = new AbortController();
      const res = await fetch(to, { signal: stop.signal });
      stop.abort();
      return res.status;
    }, path);
    assert.ok(got === 404 || got === 400, `${path}: ${got}`);
  }
  for (const path of ['/clusters', '/operations']) {
    await page.goto(base + path);
    assert.ok(!/secret|op-1\b/.test(await page.locator('body').innerText()), path);
  }
  await page.goto(base + '/');
  assert.deepEqual(await page.locator('.rooms a').evaluateAll((all) => all.map((a) => a.dataset.room)).then((r) => r.filter((n) => /^[a-z]+$/.test(n))), ['qa']);
  await page.locator('#text').pressSequentially('cluster show ');
  await page.waitForResponse(/v1\/complete/);
  assert.ok(!/secret/.test(await page.locator('#options').innerText()), 'completion tells');
  await page.locator('#text').fill('');
  await say(page, 'cluster create hers region=sandbox workers=0');
  await confirm(page, 'hers');
  await page.locator('#feed .entry.card.sev-ok').waitFor();
}

// what machines and people say is text and nothing else
async function harm(page) {
  await say(page, script);
  await page.locator('#feed .said', { hasText: 'window.__pwned=3' }).waitFor();
  await page.locator('#feed .entry.bot').last().waitFor();
  await say(page, `cluster create evil region=sandbox workers=1 data-path=${script}`);
  await say(page, `user add mallory${script}`);
  await say(page, 'cluster create evil region=sandbox workers=1');
  await confirm(page, 'evil');
  await page.locator('#feed .entry.card.sev-bad', { hasText: 'evil' }).waitFor();
  assert.match(await card(page).innerText(), /<script>window.__pwned=1/, 'what the machine said is not on the card');
  await card(page).getByRole('link', { name: /page/ }).click();
  await page.locator('.errors', { hasText: '<script>window.__pwned=1' }).waitFor();
  await page.locator('[data-log-q]').fill('__pwned');
  await page.locator('.log-text', { hasText: '<script>' }).first().waitFor();
  await page.goto(base + '/rooms/' + encodeURIComponent('"><script>window.__pwned=5</script>'));
  await page.goto(base + '/enter?next=javascript:window.__pwned=6');
  await page.goto(base + '/');
  await page.reload();
  await page.locator('#feed .entry.card').last().waitFor();
  for (const p of page.context().pages()) assert.equal(await p.evaluate(() => window.__pwned), undefined, p.url());
}

// more windows than a browser has connections
async function tabs(page) {
  const all = [page];
  for (let i = 1; i < 8; i++) {
    const p = await page.context().newPage();
    await p.goto(i % 4 === 3 ? base + '/op/op-1' : page.url(), { waitUntil: 'domcontentloaded' });
    all.push(p);
  }
  const rooms = all.filter((p) => p.url().includes('/rooms/'));
  assert.equal(rooms.length, 6);
  await say(rooms[5], 'user add bob');
  for (const p of rooms) await p.locator('#feed .entry.bot', { hasText: 'bob' }).first().waitFor();
  await say(rooms[2], 'user add carol');
  for (const p of rooms) await p.locator('#feed .entry.bot', { hasText: 'carol' }).first().waitFor();
  for (const p of all.slice(1)) await p.close();
}

play(async () => {
  await chat('--wait', 'cluster create secret region=sandbox workers=0');
  await chat('user', 'add', 'alice');
  await chat('project', 'create', 'qa');
  await chat('project', 'member', 'qa', 'alice', 'role=manager');
  const page = await enter(await linkFor());
  await chat('--room', 'ops', 'whoami'); // a room that was not there when the page was made
  await marks(page);

  const hers = await enter(await linkFor('alice'));
  expected.push(/status of 40[04]/);
  await alice(hers);
  await hers.context().close();

  await tabs(page);
  await harm(page);
});
