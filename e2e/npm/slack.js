// Slack's own clients against the fake of Slack: node slack.js MODE, settings as
// JSON in FAKE. What happens is told on standard output, a JSON document a line,
// which the Go tests follow; what may not happen ends with a status of 1.
'use strict';
const assert = require('node:assert/strict');
const readline = require('node:readline');
const { App, HTTPReceiver, LogLevel, verifySlackRequest } = require('@slack/bolt');
const { SocketModeClient } = require('@slack/socket-mode');

const fake = JSON.parse(process.env.FAKE);
const tell = (is, more = {}) => console.log(JSON.stringify({ is, ...more }));
const logger = { debug() {}, info() {}, warn(...m) { console.error(...m); }, error(...m) { console.error(...m); }, getLevel: () => LogLevel.WARN, setLevel() {}, setName() {} };
const clientOptions = { slackApiUrl: fake.url };

// socket: the Socket Mode client alone.
async function socket() {
  const client = new SocketModeClient({ appToken: fake.appToken, clientOptions, clientPingTimeout: 900, serverPingTimeout: 3000, logger });
  client.on('connected', () => tell('connected'));
  client.on('app_mention', async ({ ack, event, body, retry_num, envelope_id }) => {
    assert.ok(envelope_id && body.event_id && event.ts && event.channel);
    if (event.text.includes('wait for the second') && retry_num === 0) return tell('ignored', { id: body.event_id });
    await ack();
    tell('event', { id: body.event_id, text: event.text, retry: retry_num });
  });
  client.on('slash_commands', async ({ ack, body, accepts_response_payload }) => {
    assert.equal(accepts_response_payload, true);
    assert.equal(body.command, '/cox');
    await ack({ text: 'seen' });
    tell('command', { text: body.text, trigger: body.trigger_id });
  });
  await client.start();
}

// bolt: a whole app in Socket Mode.
async function bolt() {
  const app = new App({ token: fake.botToken, appToken: fake.appToken, socketMode: true, clientOptions, installerOptions: { clientOptions }, logger });
  app.event('app_mention', async ({ event, say, client }) => {
    const posted = await say({ text: 'hello', blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'working' } },
      { type: 'actions', elements: [{ type: 'button', action_id: 'open', value: 'v1', text: { type: 'plain_text', text: 'Open' } }] }] });
    assert.ok(posted.ok && posted.ts);
    await client.chat.update({ channel: event.channel, ts: posted.ts, text: 'done', blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: 'done' } },
      { type: 'actions', elements: [{ type: 'button', action_id: 'open', value: 'v1', text: { type: 'plain_text', text: 'Open' } }] }] });
    await client.filesUploadV2({ channel_id: event.channel, filename: 'log.txt', content: 'line one' });
    await assert.rejects(client.chat.update({ channel: event.channel, ts: '1.1', text: 'x' }), /message_not_found/);
    await assert.rejects(client.chat.postMessage({ channel: event.channel, text: 'x', blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'y'.repeat(3001) } }] }), /invalid_blocks/);
    tell('answered', { user: event.user });
  });
  app.action('open', async ({ ack, body, action, client }) => {
    await ack();
    assert.equal(action.value, 'v1');
    assert.ok(body.channel.id && body.user.id && body.message.ts);
    await client.views.open({ trigger_id: body.trigger_id, view: { type: 'modal', callback_id: 'form', private_metadata: 'm1',
      title: { type: 'plain_text', text: 'Form' }, submit: { type: 'plain_text', text: 'Send' },
      blocks: [{ type: 'input', block_id: 'name', label: { type: 'plain_text', text: 'Name' }, element: { type: 'plain_text_input', action_id: 'text' } }] } });
    await assert.rejects(client.views.open({ trigger_id: body.trigger_id, view: { type: 'modal', title: { type: 'plain_text', text: 'x' }, blocks: [{ type: 'divider' }] } }), /exchanged_trigger_id/);
  });
  app.view('form', async ({ ack, view, body }) => {
    assert.equal(view.private_metadata, 'm1');
    const name = view.state.values.name.text.value;
    if (name === 'bad') await ack({ response_action: 'errors', errors: { name: 'not that' } });
    else await ack();
    tell('form', { name, user: body.user.id });
  });
  app.command('/cox', async ({ ack, command }) => { await ack(); tell('command', { text: command.text }); });
  app.event('app_home_opened', async ({ event, client }) => {
    await client.views.publish({ user_id: event.user, view: { type: 'home', blocks: [{ type: 'header', text: { type: 'plain_text', text: 'At home' } }] } });
  });
  app.event('user_change', async ({ event }) => tell('user', { id: event.user.id, deleted: event.user.deleted }));
  app.error(async (e) => { console.error(e); process.exit(1); });
  await app.start();
  tell('connected');
}

// receiver: an app that is called by HTTP; it checks the signatures.
async function receiver() {
  const http = new HTTPReceiver({ signingSecret: fake.signingSecret, endpoints: ['/slack/events'], port: 0, logger });
  const app = new App({ token: fake.botToken, receiver: http, clientOptions, logger });
  app.event('app_mention', async ({ event }) => tell('event', { text: event.text }));
  app.command('/cox', async ({ ack, command }) => { await ack(); tell('command', { text: command.text }); });
  app.action('open', async ({ ack }) => { await ack(); tell('action'); });
  const server = await app.start({ port: 0, host: '127.0.0.1' });
  tell('listening', { url: `http://127.0.0.1:${server.address().port}/slack/events` });
}

// verify: says of each request on standard input whether its signature is good.
async function verify() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const r = JSON.parse(line);
    let good = true;
    try {
      verifySlackRequest({ signingSecret: fake.signingSecret, body: r.body,
        headers: { 'x-slack-signature': r.signature, 'x-slack-request-timestamp': Number(r.timestamp) } });
    } catch { good = false; }
    tell('verdict', { name: r.name, good });
  }
}

process.on('unhandledRejection', (e) => { console.error(e); process.exit(1); });
if (process.argv[2] !== 'verify') process.stdin.on('end', () => process.exit(0)).resume(); // the test is over
({ socket, bolt, receiver, verify })[process.argv[2]]().catch((e) => { console.error(e); process.exit(1); });
