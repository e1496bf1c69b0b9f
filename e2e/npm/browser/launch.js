// Starts Chromium for all scenarios and prints where it is reached; ends with its
// standard input.
'use strict';
const { chromium } = require('playwright-core');

(async () => {
  const server = await chromium.launchServer({
    executablePath: process.env.CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  console.log(server.wsEndpoint());
  process.stdin.resume();
  process.stdin.on('end', async () => {
    await server.close();
    process.exit(0);
  });
})();
