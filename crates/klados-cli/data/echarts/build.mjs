// Builds echarts.min.js and its licences (see README.md):  npm install && node build.mjs
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const here = path.dirname(new URL(import.meta.url).pathname);
const packaged = (name, file) => fs.readFileSync(path.join(here, 'node_modules', name, file), 'utf8');
const version = (name) => JSON.parse(packaged(name, 'package.json')).version;

await build({
  absWorkingDir: here,
  entryPoints: ['charts.mjs'],
  outfile: 'echarts.min.js',
  bundle: true,
  minify: true,
  format: 'iife',
  globalName: 'echarts',
  target: 'es2020',
  charset: 'utf8',
  define: { 'process.env.NODE_ENV': '"production"' },
  legalComments: 'none',
  banner: { js: `/*! Apache ECharts ${version('echarts')} (Apache-2.0), zrender ${version('zrender')} (BSD-3-Clause), `
    + `tslib ${version('tslib')} (0BSD). Copyright 2017-2026 The Apache Software Foundation; 2017 Baidu Inc.; `
    + 'Microsoft Corporation. A build of the parts that the page uses. */' },
});

fs.mkdirSync(path.join(here, 'licenses'), { recursive: true });
for (const [name, from, to] of [
  ['echarts', 'LICENSE', 'echarts-LICENSE'],
  ['echarts', 'NOTICE', 'echarts-NOTICE'],
  ['echarts', 'licenses/LICENSE-d3', 'echarts-LICENSE-d3'],
  ['zrender', 'LICENSE', 'zrender-LICENSE'],
  ['tslib', 'LICENSE.txt', 'tslib-LICENSE'],
]) {
  fs.writeFileSync(path.join(here, 'licenses', to), packaged(name, from));
}

const bytes = fs.readFileSync(path.join(here, 'echarts.min.js'));
const sha256 = crypto.createHash('sha256').update(bytes).digest('hex');
fs.writeFileSync(path.join(here, 'echarts.min.js.sha256'), `${sha256}  echarts.min.js\n`);
console.log(`echarts.min.js: ${bytes.length} bytes, sha256 ${sha256}`);
