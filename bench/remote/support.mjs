// Measuring clients and servers in turns, and printing ratios.
import { request as httpRequest, Agent } from 'node:http';

const now = () => Number(process.hrtime.bigint()) / 1000;  // microseconds

// Calls `work(i)` for `milliseconds`, `parallel` of them at a time. Returns calls a second and percentiles in microseconds.
export async function measure(work, { parallel = 1, milliseconds = 1000 } = {}) {
  const times = [];
  const begin = now();
  const end = begin + milliseconds * 1000;
  let next = 0;
  await Promise.all(Array.from({ length: parallel }, async () => {
    for (let start = now(); start < end;) {
      await work(next++);
      const done = now();
      times.push(done - start);
      start = done;
    }
  }));
  const seconds = (now() - begin) / 1e6;
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  return { rate: times.length / seconds, p50: at(0.5), p99: at(0.99) };
}

// Measures all `contestants` ({name, run}) in each of `rounds`, starting with another one each time. Returns the median of each by rate.
export async function inTurns(contestants, rounds) {
  const results = new Map(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; ++round) {
    for (let k = 0; k < contestants.length; ++k) {
      const { name, run } = contestants[(k + round) % contestants.length];
      results.get(name).push(await run());
    }
  }
  return new Map([...results].map(([name, all]) => [name, all.sort((a, b) => a.rate - b.rate)[Math.floor(all.length / 2)]]));
}

// One line for each contestant; ratios to the rate of the first.
export function print(title, medians) {
  const [first] = medians.values();
  console.log(`\n${title.padEnd(44)} ${'per second'.padStart(12)} ${'ratio'.padStart(7)} ${'p50 us'.padStart(9)} ${'p99 us'.padStart(9)}`);
  for (const [name, { rate, p50, p99 }] of medians) {
    console.log(`  ${name.padEnd(42)} ${rate.toFixed(0).padStart(12)} ${(rate / first.rate).toFixed(2).padStart(7)} ${p50.toFixed(0).padStart(9)} ${p99.toFixed(0).padStart(9)}`);
  }
}

// POST of a JSON body with node's own HTTP client. `keepAlive`: on as many kept connections as there are calls at a time.
export function poster(port, path, { keepAlive = true } = {}) {
  const agent = new Agent({ keepAlive, maxSockets: 256 });
  return (body) => new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, method: 'POST', agent, headers: { 'Content-Length': Buffer.byteLength(body) } }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => (response.statusCode === 200 ? resolve(Buffer.concat(chunks)) : reject(new Error(`${response.statusCode}: ${Buffer.concat(chunks)}`))));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}
