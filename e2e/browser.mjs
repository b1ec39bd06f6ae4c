// Starts the browser. GONGKAI_CHROMIUM names its program; without it, the usual places, then Playwright's own.
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/google-chrome-stable', '/usr/bin/google-chrome'];

export function program() {
  const chosen = process.env.GONGKAI_CHROMIUM || [...places, chromium.executablePath()].find((p) => existsSync(p));
  if (!chosen || !existsSync(chosen)) {
    throw new Error('no browser: install chromium, or set GONGKAI_CHROMIUM to the program of Chromium or Chrome');
  }
  return chosen;
}

export function launch() {
  return chromium.launch({
    executablePath: program(),
    // Root (a container, CI) cannot use the sandbox. The others keep the browser from calling home: the journeys
    // need nothing but loopback.
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
    ],
  });
}

// `node browser.mjs --check` succeeds where there is a browser: scripts/bootstrap.sh asks.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    console.log(program());
  } catch (error) {
    console.error(`error: ${error.message}`);
    process.exit(1);
  }
}
