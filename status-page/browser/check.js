// Opens the preview's pages and the golden ones in Chromium: axe, requests to other hosts, width. Then the validator, and
// the pictures.
//
//   node check.js <folder with the preview> <folder with the golden files> <folder for pictures>

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";
import vnu from "vnu-jar";

const [preview, golden, pictures] = process.argv.slice(2);
if (!pictures) {
  console.error("say which folders: node check.js <preview> <golden> <pictures>");
  process.exit(2);
}
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// What the distribution in front of the bucket sends.
const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES = {
  ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
  ".json": "application/json", ".atom": "application/atom+xml", ".rss": "application/rss+xml",
};
// A page that a reader leaves open must not go on saying that all is well; without a script only this renews it.
const EXCEPT = { "meta-refresh": { enabled: false } };
const WIDTHS = [320, 768, 1440];

const failures = [];
const fail = (where, what) => failures.push(`${where}: ${what}`);

function files(folder, ending) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(ending) && statSync(join(folder, name)).isFile())
    .sort();
}

// Golden pages know their assets by no hash.
const ASSETS = new URL("../src/assets/", import.meta.url);

function serve(folder) {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
    const file = join(folder, path.endsWith("/") ? `${path}index.html` : path);
    let body;
    try {
      body = readFileSync(path.startsWith("/assets/page.") ? new URL(path.slice("/assets/".length), ASSETS) : file);
    } catch {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "content-security-policy": POLICY,
      "x-content-type-options": "nosniff",
    });
    response.end(body);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

async function look(page, origin, path, options) {
  const { colorScheme, width, hasScript } = options;
  const where = `${path} (${colorScheme}, ${width} px, JavaScript ${hasScript ? "on" : "off"})`;
  await page.setViewportSize({ width, height: 900 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) fail(where, `${wide} px wider than the window`);
  const times = await page.evaluate(() => [...document.querySelectorAll('time[datetime*="T"]')].map((time) => time.title !== ""));
  if (times.some((isLocal) => isLocal !== hasScript)) fail(where, `times are ${hasScript ? "not " : ""}local`);
  // Made at a fixed time, it is old whenever it is looked at.
  const age = page.locator("#age");
  if ((await age.count()) && (await age.isVisible()) !== hasScript) fail(where, `its age is ${hasScript ? "not " : ""}shown`);
  const { violations } = await page.evaluate((rules) => window.axe.run({ rules }), EXCEPT);
  for (const { id, help, nodes } of violations) {
    fail(where, `${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
  }
}

/** These pages in these widths, in light or dark, with or without their script. */
async function lookAt(browser, origin, paths, { colorScheme, hasScript, widths }) {
  const context = await browser.newContext({ colorScheme, timezoneId: "Europe/Berlin" });
  // Where JavaScript is off, axe would not run either: so the page gets none of its own.
  if (!hasScript) await context.route("**/*.js", (route) => route.fulfill({ body: "", contentType: "text/javascript" }));
  const page = await context.newPage();
  const where = () => `${page.url()} (${colorScheme}, JavaScript ${hasScript ? "on" : "off"})`;
  page.on("request", (request) => {
    const { protocol, origin: to } = new URL(request.url());
    if (protocol !== "data:" && to !== origin) fail(where(), `asks ${request.url()}`);
  });
  page.on("requestfailed", (request) => fail(where(), `did not get ${request.url()}`));
  page.on("console", (message) => {
    if (message.type() === "error") fail(where(), message.text());
  });
  page.on("pageerror", (error) => fail(where(), error.message));
  let looks = 0;
  for (const path of paths) {
    await page.goto(`${origin}/${path}`, { waitUntil: "load" });
    await page.evaluate(axe);
    for (const width of widths) {
      await look(page, origin, path, { colorScheme, width, hasScript });
      looks += 1;
    }
  }
  await context.close();
  return looks;
}

async function picture(browser, origin, name, { path = "", width, height, ...options }) {
  const context = await browser.newContext({
    viewport: { width, height }, javaScriptEnabled: false, deviceScaleFactor: 1, ...options,
  });
  const page = await context.newPage();
  await page.goto(`${origin}/${path}`, { waitUntil: "load" });
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
  await context.close();
}

async function inBrowser() {
  const servers = await Promise.all([serve(preview), serve(golden)]);
  const [ofPreview, ofGolden] = servers.map((server) => `http://127.0.0.1:${server.address().port}`);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Chromium's own sandbox does not start as root.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
  let looks = 0;
  try {
    for (const colorScheme of ["light", "dark"]) {
      for (const hasScript of [true, false]) {
        looks += await lookAt(browser, ofPreview, files(preview, ".html"), { colorScheme, hasScript, widths: WIDTHS });
      }
      // Each state's links lead into its own folder: only its first page is opened.
      const states = files(golden, "index.html");
      looks += await lookAt(browser, ofGolden, states, { colorScheme, hasScript: true, widths: [320] });
    }
    const wide = { width: 1000, height: 1250 };
    await picture(browser, ofPreview, "light", { ...wide, colorScheme: "light" });
    await picture(browser, ofPreview, "dark", { ...wide, colorScheme: "dark" });
    await picture(browser, ofPreview, "narrow", { width: 320, height: 1250, colorScheme: "light" });
  } finally {
    await browser.close();
    servers.forEach((server) => server.close());
  }
  return looks;
}

function validate() {
  const pages = [preview, golden].flatMap((folder) => files(folder, ".html").map((name) => join(folder, name)));
  const styles = files(preview, ".css").map((name) => join(preview, name));
  for (const [kind, paths] of [["html", pages], ["css", styles]]) {
    try {
      execFileSync("java", ["-jar", vnu, `--skip-non-${kind}`, "--errors-only", ...paths], { stdio: ["ignore", "inherit", "pipe"] });
    } catch (error) {
      fail("validator", error.stderr?.toString() || error.message);
    }
  }
  return pages.length;
}

const looks = await inBrowser();
const pages = validate();
for (const failure of new Set(failures)) console.error(failure);
console.log(`axe looked ${looks} times, the validator at ${pages} pages: ${failures.length} failures`);
process.exit(failures.length ? 1 : 0);
