// Starts a demo city of our own: a fresh data folder, free ports, the program named by GONGKAI_BIN.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { address } from './words.mjs';

const run = promisify(execFile);

/** One request without a browser. `SLUG.localhost` is loopback whatever the machine's resolver says. */
export function get(url, { method = 'GET', headers = {} } = {}) {
  const at = new URL(url);
  const options = { host: '127.0.0.1', port: at.port, path: at.pathname + at.search, method, timeout: 10_000 };
  return new Promise((done, fail) => {
    const sent = request({ ...options, headers: { host: at.host, ...headers } }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', fail);
      answer.on('end', () =>
        done({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts).toString('utf8') }),
      );
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer from ${url} in 10 s`)));
    sent.on('error', fail);
    sent.end();
  });
}

/** Asks until the answer suits; fails with the last answer's status after `within` milliseconds. Returns how long it took. */
export async function eventually(what, within, ask) {
  const start = performance.now();
  let last;
  do {
    try {
      last = await ask();
      if (last) return { value: last, took: performance.now() - start };
    } catch (error) {
      last = error;
    }
    await pause(25);
  } while (performance.now() - start < within);
  throw new Error(`${what}: not within ${within} ms (last: ${last instanceof Error ? last.message : last})`);
}

async function freePorts(count) {
  // Hold all of them before letting any go, so that they differ.
  const servers = await Promise.all(
    Array.from({ length: count }, () => new Promise((done) => {
      const server = createServer().listen(0, '127.0.0.1', () => done(server));
    })),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

export async function startCity() {
  if (!process.env.GONGKAI_BIN) throw new Error('GONGKAI_BIN is not set; run the journeys with: make test-e2e');
  const program = resolve(process.env.GONGKAI_BIN);
  const folder = mkdtempSync(join(tmpdir(), 'gongkai-e2e-'));
  const data = join(folder, 'city');
  const scale = process.env.GONGKAI_E2E_SCALE || 'small';
  const [publicPort, staffPort] = await freePorts(2);
  const listeners = ['--listen', `127.0.0.1:${publicPort}`, '--staff-listen', `127.0.0.1:${staffPort}`];
  const remove = () => rmSync(folder, { recursive: true, force: true });

  let built;
  try {
    const demo = ['demo', '--data', data, '--scale', scale, ...listeners, '--build-only', '--json'];
    const { stdout } = await run(program, demo, { timeout: 600_000, maxBuffer: 16 << 20 });
    built = JSON.parse(stdout);
  } catch (error) {
    remove();
    throw new Error(`the demo city could not be built: ${error.stderr || error.message}`);
  }

  const child = spawn(program, ['demo', '--data', data, '--scale', scale, ...listeners], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let ended = null;
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (output = (output + part).slice(-8000)));
  const over = new Promise((done) => child.on('exit', (code, signal) => done((ended = signal ?? code))));

  const stop = async () => {
    if (ended === null) {
      child.kill('SIGTERM');
      const slow = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await over;
      clearTimeout(slow);
    }
    remove();
  };
  // A run that is broken off must not leave a server and a folder behind.
  process.once('exit', () => {
    if (ended === null) child.kill('SIGKILL');
    remove();
  });

  const city = {
    data,
    logins: built.logins,
    /** The public address of a site's page. */
    site: (slug, path = '/') => `http://${slug}.localhost:${publicPort}${path}`,
    /** The portal under the bare loopback address. */
    home: (path = '/') => `http://127.0.0.1:${publicPort}${path}`,
    staff: (path = '/') => `http://127.0.0.1:${staffPort}${path}`,
    login: (role) => {
      const login = built.logins.find((one) => one.role === role);
      if (!login) throw new Error(`the demo city names no login for the role ${role}`);
      return login;
    },
    output: () => output,
    stop,
  };
  try {
    for (const url of [city.home(address.ready), city.staff(address.ready)]) {
      await eventually(`${url} answers 200`, 60_000, async () => {
        if (ended !== null) throw new Error(`the program ended (${ended})`);
        return (await get(url)).status === 200;
      });
    }
  } catch (error) {
    await stop();
    throw new Error(`${error.message}\n${output}`);
  }
  return city;
}
