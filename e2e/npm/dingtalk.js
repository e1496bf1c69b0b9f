'use strict';
// DingTalk's own Stream client, against the fake at the address that is the first
// argument. What it does shows in the fake; what it finds wrong ends it.
const assert = require('node:assert');
const axios = require('axios');
const { DWClient, EventAck, TOPIC_CARD, TOPIC_ROBOT } = require('dingtalk-stream');

const [base, clientId, clientSecret] = process.argv.slice(2);
axios.interceptors.request.use((c) => {
  const url = c.url.replace(/^https:\/\/o?api\.dingtalk\.com/, base);
  assert(url.startsWith(base), 'a call that leaves the machine: ' + c.url);
  return { ...c, url, proxy: false };
});

const client = new DWClient({ clientId, clientSecret });
const seen = {};

async function reply(message, text) {
  const res = await axios.post(message.sessionWebhook, { msgtype: 'text', text: { content: text }, at: { atUserIds: [message.senderStaffId] } });
  assert.strictEqual(res.data.errcode, 0, JSON.stringify(res.data));
}

async function send(text) {
  const token = await client.getAccessToken();
  const res = await axios.post(base + '/v1.0/robot/groupMessages/send',
    { robotCode: clientId, openConversationId: 'cidFakeRoom0001==', msgKey: 'sampleMarkdown', msgParam: JSON.stringify({ title: 'npm', text }) },
    { headers: { 'x-acs-dingtalk-access-token': token } });
  assert(res.data.processQueryKey, JSON.stringify(res.data));
}

async function onMessage(frame) {
  assert.strictEqual(frame.headers.topic, TOPIC_ROBOT);
  const message = JSON.parse(frame.data);
  const text = message.text.content.trim();
  seen[message.msgId] = (seen[message.msgId] || 0) + 1;
  if (text === 'again' && seen[message.msgId] === 1) return; // not answered: it must come again
  await reply(message, `${text} ${seen[message.msgId]}`);
  if (text === 'send') await send('sent');
  client.socketCallBackResponse(frame.headers.messageId, { ok: true });
  if (text === 'bye') setImmediate(() => { client.disconnect(); });
}

async function onCard(frame) {
  const press = JSON.parse(frame.data);
  const data = JSON.parse(press.content).cardPrivateData;
  await send(`pressed ${data.actionIds[0]} of ${press.outTrackId} by ${press.userId}`);
  client.socketCallBackResponse(frame.headers.messageId, { cardData: { cardParamMap: {} } });
}

function fail(err) {
  console.error(err);
  process.exit(1);
}

process.on('unhandledRejection', fail);
client.registerCallbackListener(TOPIC_ROBOT, (frame) => { onMessage(frame).catch(fail); });
client.registerCallbackListener(TOPIC_CARD, (frame) => { onCard(frame).catch(fail); });
client.registerAllEventListener((frame) => {
  assert.strictEqual(frame.headers.eventType, 'user_leave_org');
  return { status: EventAck.SUCCESS };
});
client.connect().catch(fail);
