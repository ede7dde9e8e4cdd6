// Named tests, run one after the other. Every name is printed; the last line counts them, and a failure makes the exit code 1.
export { default as assert } from 'node:assert/strict';

const tests = [];

// `name` says what is called and what must come of it. A test that hangs fails after `timeout` milliseconds.
export function test(name, body, { timeout = 30_000 } = {}) {
  tests.push({ name, body, timeout });
}

// The same tests for each of `variants`; its `label` starts their names.
export function testEach(variants, declare) {
  for (const variant of variants) declare(variant, (name, body, options) => test(`${variant.label}: ${name}`, body, options));
}

function within(promise, milliseconds) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Runs what was declared; `after` is called in any case and counts as one more test when it fails. LIBSQL_TEST_FILTER, a
// regular expression, picks tests by name.
export async function run({ after = async () => {} } = {}) {
  const filter = new RegExp(process.env.LIBSQL_TEST_FILTER ?? '');
  let passed = 0;
  let failed = 0;
  const fail = (name, error) => {
    failed += 1;
    console.log(`not ok - ${name}\n${String(error?.stack ?? error).replace(/^/gm, '    ')}`);
  };
  process.on('unhandledRejection', (error) => fail('a promise that nobody waits for', error));
  for (const { name, body, timeout } of tests) {
    if (!filter.test(name)) continue;
    try {
      await within(Promise.resolve().then(body), timeout);
      passed += 1;
      console.log(`ok - ${name}`);
    } catch (error) {
      fail(name, error);
    }
  }
  try {
    await within(Promise.resolve().then(after), 30_000);
  } catch (error) {
    fail('the end of the run', error);
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

// Numbers that are the same in every run (mulberry32).
export function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Waits until `condition` holds; fails, naming it, when it does not within `timeout` milliseconds.
export async function until(what, condition, timeout = 10_000) {
  const end = Date.now() + timeout;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not so within ${timeout} ms: ${what}`);
    await sleep(20);
  }
}
