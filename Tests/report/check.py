"""Looks at a page of 'density report' in Chromium: python3 Tests/report/check.py PROGRAM [FOLDER]

Makes the reports of a model of votes and of a network of digits, takes pictures of each, 400 and 1400 pixels wide, light and
dark, into FOLDER (by default .build/report), and checks that nothing is wider than the page but what scrolls by itself,
that text has contrast, and that the page asks for nothing from elsewhere.
"""

import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
FOLDER = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else ".build/report")
DATA = os.path.join(os.path.dirname(__file__), "..", "..", "Data")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTHS = (400, 1400)
SCHEMES = {"dark": 0, "light": 1}

# Runs in the page that holds the report in a frame: what is wider than the frame, and text of little contrast.
LOOK = """
addEventListener('load', () => {
  const page = document.querySelector('iframe').contentDocument, width = WIDTH, found = {wide: [], pale: []};
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  for (const element of page.querySelectorAll('body *')) {
    const box = element.getBoundingClientRect(), scroller = element.closest('.scroll');
    const name = element.tagName + ': ' + element.textContent.trim().slice(0, 60);
    if ((box.right > width + 0.5 || box.left < -0.5) && (!scroller || scroller === element)) found.wide.push(name);
    if ([...element.childNodes].some(n => n.nodeType === 3 && n.data.trim())) {
      const style = getComputedStyle(element), isDrawn = element.closest('svg');
      const [a, b] = [light(isDrawn ? style.fill : style.color), light(ground(element))].sort((x, y) => y - x);
      if (!/^(title|desc)$/i.test(element.tagName) && (a + 0.05) / (b + 0.05) < 4.5) found.pale.push(name);
    }
  }
  found.scroll = page.documentElement.scrollWidth;
  found.height = Math.ceil(page.body.getBoundingClientRect().height);
  found.dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const result = document.createElement('pre');
  result.id = 'found';
  result.textContent = JSON.stringify(found);
  document.body.append(result);
});
"""


def fail(*words):
    print("FAILED:", *words, sep="\n")
    sys.exit(1)


def density(*arguments):
    result = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True)
    if result.returncode != 0:
        fail("density " + " ".join(arguments), result.stderr)


def browse(page, width, height, scheme, *options):
    line = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
            f"--window-size={max(width, 500)},{height}", f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
            "--virtual-time-budget=5000", *options, "file://" + page]
    return subprocess.run(line, capture_output=True, text=True, timeout=120).stdout


def look(name, report, folder):
    """Takes the four pictures of a report, and checks each."""
    text = open(report, encoding="utf-8").read()
    if re.search(r"<script|<link|<iframe|@import|url\(|https?:|(?:src|href)=\"(?!data:image/png;base64,|#)", text):
        fail(f"{name}: the page asks for something from elsewhere")
    for width in WIDTHS:
        for scheme in SCHEMES:
            # A frame is as narrow as it is told to be, which a window is not.
            def holder(height):
                path = os.path.join(folder, "holder.html")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(f"<!DOCTYPE html><meta charset='utf-8'><body style='margin:0'><iframe srcdoc=\"{html.escape(text)}\" "
                               f"style='display:block;border:0;width:{width}px;height:{height}px'></iframe>"
                               f"<script>{LOOK.replace('WIDTH', str(width))}</script>")
                return path

            shown = browse(holder(1000), width, 1000, scheme, "--dump-dom")
            match = re.search(r'<pre id="found">(.*?)</pre>', shown, re.S)
            if not match:
                fail(f"{name}: Chromium does not show the page", shown[-2000:])
            found = json.loads(html.unescape(match.group(1)))
            where = f"{name}, {width} pixels, {scheme}"
            if found["dark"] != (scheme == "dark"):
                fail(f"{where}: Chromium shows the other scheme")
            if found["scroll"] > width or found["wide"]:
                fail(f"{where}: the page is {found['scroll']} pixels wide", *found["wide"][:10])
            if found["pale"]:
                fail(f"{where}: text of a contrast below 4.5", *found["pale"][:10])
            picture = os.path.join(FOLDER, f"{name}-{width}-{scheme}.png")
            browse(holder(found["height"] + 40), width, found["height"] + 40, scheme, "--screenshot=" + picture)
            if not os.path.exists(picture):
                fail(f"{where}: Chromium makes no picture")
            print("ok:", picture)


def main():
    if not BROWSER:
        fail("this check needs Chromium: apt-get install chromium")
    os.makedirs(FOLDER, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        votes, model = os.path.join(DATA, "house-votes-84.csv"), os.path.join(folder, "votes.safetensors")
        density("fit", votes, "--steps", "20000", "-o", model)
        density("report", model, votes)
        look("votes", os.path.join(folder, "votes.html"), folder)
        run, digits = os.path.join(folder, "run"), os.path.join(DATA, "mnist")
        density("train", digits, "--model", "nade", "--hidden", "100", "--epochs", "3", "--run", run)
        density("report", run, digits)
        look("digits", os.path.join(run, "report.html"), folder)


main()
