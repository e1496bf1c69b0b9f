// What the scenarios share: the browser, the Go test behind standard output, and
// an eye on everything that must not happen on any page.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { chromium } = require('playwright-core');

const base = process.env.SERVER;
const shots = process.env.COXSWAIN_SCREENSHOTS;

// --- the Go test ---------------------------------------------------------------
const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function call(name, ...args) {
  process.stdout.write(JSON.stringify({ call: name, args: args.map(String) }) + '\n');
  const { value, done } = await answers.next();
  if (done) throw new Error(`the test ended while ${name} was asked of it`);
  return JSON.parse(value).result;
}
const note = (...words) => call('note', ...words);

// chat types a command in a terminal; it must succeed.
async function chat(...args) {
  const { out, code } = await call('chat', ...args);
  assert.equal(code, 0, `chat ${args.join(' ')}: exit ${code}\n${out}`);
  return out;
}
// linkFor is a one-time link for a person, "" for who runs the server.
async function linkFor(who) {
  const out = await chat(...(who ? ['--as', who] : []), '--web');
  const link = out.match(/http:\/\/\S+#\S+/);
  assert.ok(link, `no link in: ${out}`);
  return link[0];
}

// --- the browser ---------------------------------------------------------------
let browser, last;
const problems = [];
const expected = []; // patterns of what a scenario provokes itself

// window of a fresh browser profile; every page in it is watched.
async function profile(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US', timezoneId: 'UTC', reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(60000);
  const bad = (page, what) => {
    if (!expected.some((e) => e.test(what))) problems.push(`${page ? page.url() : ''}: ${what}`);
  };
  await context.exposeBinding('tellViolation', ({ page }, what) => bad(page, what));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => window.tellViolation(`the content policy stopped ${e.violatedDirective} ${e.blockedURI}`));
  });
  context.on('page', (page) => {
    last = page;
    page.on('console', (m) => { if (m.type() === 'error' || m.type() === 'warning') bad(page, `console: ${m.text()}`); });
    page.on('pageerror', (e) => bad(page, `script: ${e.stack}`));
    page.on('dialog', (d) => { bad(page, `a script said ${d.message()}`); d.dismiss(); });
    page.on('request', (r) => { if (!r.url().startsWith(base) && !/^(data|blob):/.test(r.url())) bad(page, `asked for ${r.url()}`); });
    page.on('response', (r) => { if (r.status() >= 500) bad(page, `${r.status()} for ${r.url()}`); });
  });
  return context;
}

// enter opens a page of a fresh profile by a one-time link.
async function enter(link, options) {
  const context = await profile(options);
  const page = await context.newPage();
  await page.goto(link);
  await page.waitForURL(/\/rooms\//);
  return page;
}

// until waits for what a locator cannot say.
async function until(what, ok, limit = 60000) {
  const deadline = Date.now() + limit;
  for (;;) {
    const got = await ok();
    if (got) return got;
    if (Date.now() > deadline) assert.fail(`not within ${limit} ms: ${what}`);
    await new Promise((done) => setImmediate(done));
  }
}

// say types a command into the room and sends it.
async function say(page, text) {
  await page.locator('#text').fill(text);
  await page.locator('#text').press('Enter');
}

// confirm presses the button below the newest preview that tells of something.
const confirm = (page, about) => page.locator('#feed .entry.bot:not(.card)', { hasText: about }).last().getByRole('button', { name: 'Confirm' }).click();

// card is the newest living card of an operation on a page.
const card = (page) => page.locator('#feed .entry.card').last();

// shot takes a picture when pictures are wanted.
async function shot(page, name) {
  if (!shots) return;
  await page.mouse.move(640, 2); // over nothing
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: path.join(shots, `${name}.png`), animations: 'disabled', caret: 'hide' });
}

// fits says that nothing is wider than the window.
async function fits(page) {
  const [wide, inner, who] = await page.evaluate(() => {
    const d = document.scrollingElement;
    const over = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1);
    return [d.scrollWidth, innerWidth, over.slice(0, 3).map((e) => e.outerHTML.slice(0, 120))];
  });
  assert.ok(wide <= inner, `${page.url()} is ${wide} wide in ${inner}: ${who.join('\n')}`);
}

// axe says what keeps people who hear a page, or see it badly, from using it.
const rules = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
async function axe(page, what, only) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(rules);
  const found = await page.evaluate(async (values) => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'], ...(values && { runOnly: { type: 'rule', values } }) });
    return violations.map((v) => ({ id: v.id, impact: v.impact, where: v.nodes.slice(0, 3).map((n) => `${n.html.slice(0, 160)} ${n.any[0] ? n.any[0].message : ''}`) }));
  }, only);
  const bad = found.filter((v) => v.impact === 'serious' || v.impact === 'critical');
  for (const v of bad) problems.push(`${what}: ${v.id} (${v.impact})\n  ${v.where.join('\n  ')}`);
}

// play runs a scenario and fails when anything was seen that must not be.
async function play(scenario) {
  let failed = false;
  try {
    browser = await chromium.connect(process.env.BROWSER);
    await scenario();
    assert.deepEqual(problems, []);
  } catch (err) {
    failed = true;
    console.error(err.stack);
    for (const p of problems) console.error('also:', p);
    if (last && !last.isClosed()) {
      console.error('the page was', last.url());
      console.error(await last.evaluate(() => document.body.innerText.slice(-1500)).catch(String));
    }
  }
  await browser?.close();
  process.exit(failed ? 1 : 0);
}

module.exports = { assert, axe, base, call, card, chat, confirm, enter, expected, fits, linkFor, note, play, profile, say, shot, until };
