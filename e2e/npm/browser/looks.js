// How every page looks: in English and in Chinese, light and dark, on a phone, and
// to those who hear it instead (axe). With COXSWAIN_SCREENSHOTS pictures are taken.
'use strict';
const { axe, base, card, chat, enter, expected, fits, linkFor, play, profile, say, shot } = require('./lib');

const WIDE = { width: 1280, height: 800 }, PHONE = { width: 390, height: 844 };
const people = [
  { lang: 'en', locale: 'en-US', name: 'alice', cluster: 'payments', list: 'cluster list', logs: 'op logs op-2', create: 'cluster create payments region=sandbox masters=1 workers=3', ok: 'Confirm', workers: 'Workers' },
  { lang: 'zh', locale: 'zh-CN', name: 'wei', cluster: 'orders', list: '集群 列表', logs: '操作 日志 op-2', create: '集群 创建 orders 区域=sandbox 主节点=1 工作节点=3', ok: '确认', workers: '加入工作节点' },
];

// inBoth looks at a page as it is now in light and dark colours; only colours
// differ between them.
async function inBoth(page, what) {
  await page.emulateMedia({ colorScheme: 'dark' });
  await axe(page, `${what}, dark`, ['color-contrast', 'link-in-text-block']);
  await page.emulateMedia({ colorScheme: 'light' });
  await axe(page, `${what}, light`);
}

// onPhone looks at it on a phone, and comes back.
async function onPhone(page, look) {
  await page.setViewportSize(PHONE);
  await fits(page);
  if (look) await look();
  await page.setViewportSize(WIDE);
}

// whole takes a picture of all of a page.
async function whole(page, name, most = 1240) {
  const high = await page.evaluate(() => document.querySelector('main').scrollHeight + document.querySelector('.top').offsetHeight);
  await page.setViewportSize({ width: WIDE.width, height: Math.min(most, Math.max(high, 400)) });
  await shot(page, name);
  await page.setViewportSize(WIDE);
}

// the way in, and what a newcomer sees
async function door(p) {
  const stranger = await (await profile({ locale: p.locale })).newPage();
  await stranger.goto(base + '/');
  await inBoth(stranger, `enter, ${p.lang}`);
  await onPhone(stranger);
  await stranger.setViewportSize({ width: 900, height: 520 });
  await shot(stranger, `enter.${p.lang}`);
  await stranger.context().close();
}

async function room(p, page) {
  await inBoth(page, `welcome, ${p.lang}`);
  await onPhone(page);
  await shot(page, `welcome.${p.lang}`);

  // a table, and what was printed; a form
  await say(page, p.logs);
  await page.locator('#feed .code').waitFor();
  await say(page, p.list);
  await page.locator('#feed .bubble table').waitFor();
  await shot(page, `answers.${p.lang}`);
  await page.locator('#asform').click();
  await page.locator('form.fill').waitFor();
  await page.locator('form.fill [name=name]').fill(p.cluster);
  await inBoth(page, `answers and a form, ${p.lang}`);
  await onPhone(page);
  await shot(page, `form.${p.lang}`);
  await page.keyboard.press('Escape');

  // the living card
  await say(page, p.create);
  await page.locator('#feed .entry.bot:not(.card)', { hasText: p.cluster }).last().getByRole('button', { name: p.ok }).click();
  await card(page).locator('.st-running', { hasText: p.workers }).waitFor();
  await inBoth(page, `room, ${p.lang}`);
  await shot(page, `room.${p.lang}`);
  if (p.lang === 'en') {
    await page.emulateMedia({ colorScheme: 'dark' });
    await shot(page, 'room-dark.en');
  }
  await onPhone(page, () => p.lang === 'zh' && shot(page, 'room-phone.zh'));
}

async function operations(p, page) {
  await page.emulateMedia({ colorScheme: 'light' });
  await card(page).getByRole('link').click();
  await page.waitForURL(/\/op\/op-\d+$/);
  await page.locator('.log-text:not(:empty)').first().waitFor();
  await page.locator('.tl .st-running').first().waitFor();
  await inBoth(page, `a running operation, ${p.lang}`);
  await onPhone(page);
  await whole(page, `operation-running.${p.lang}`);
  await page.goto(base + '/op/op-3');
  await page.locator('.log-text:not(:empty)').first().waitFor();
  await inBoth(page, `a done operation, ${p.lang}`);
  await onPhone(page);
  await whole(page, `operation-done.${p.lang}`);
  await page.goto(base + '/op/op-1');
  await page.locator('.errors').waitFor();
  await page.locator('.log-text:not(:empty)').first().waitFor();
  await inBoth(page, `a failed operation, ${p.lang}`);
  await onPhone(page);
  await whole(page, `operation-failed.${p.lang}`);
  await page.locator('[data-log-q]').fill('kubelet');
  await page.locator('.log-text mark').first().waitFor();
  await page.locator('#log').evaluate((e) => e.scrollIntoView({ block: 'end' }));
  await shot(page, `log.${p.lang}`);
}

async function lists(p, page) {
  await page.goto(base + '/clusters/shop/prod-1');
  await page.locator('#nodes .badge-ok').first().waitFor();
  await inBoth(page, `a cluster, ${p.lang}`);
  await onPhone(page);
  await whole(page, `cluster.${p.lang}`);
  for (const name of ['clusters', 'operations']) {
    await page.goto(`${base}/${name}`);
    await inBoth(page, `${name}, ${p.lang}`);
    await onPhone(page);
    await whole(page, `${name}.${p.lang}`);
  }
  await page.getByRole('button', { name: /Create|创建/ }).or(page.locator('[data-copy]').first()).first().waitFor();
  await page.goto(base + '/op/op-999');
  await inBoth(page, `what is not there, ${p.lang}`);
}

async function everything(p) {
  await door(p);
  const page = await enter(await linkFor(p.name), { locale: p.locale });
  await room(p, page);
  await operations(p, page);
  await lists(p, page);
}

play(async () => {
  expected.push(/status of 404/);
  await chat('project', 'create', 'shop');
  for (const p of people) {
    await chat('user', 'add', p.name);
    await chat('project', 'member', 'shop', p.name, 'role=manager');
  }
  await chat('--as', 'alice', '--room', 'ops', 'cluster create edge-2 region=sandbox masters=1 workers=2'); // it fails while others go on
  await chat('--as', 'alice', '--room', 'ops', '--wait', 'cluster create prod-1 region=sandbox masters=1 workers=2');
  await chat('--as', 'wei', '--room', 'ops', '--wait', 'cluster create staging region=sandbox masters=1 workers=1');
  await Promise.all(people.map(everything));
});
