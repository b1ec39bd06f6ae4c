#!/usr/bin/env python3
"""Arithmetic and HTTP for the measurements. Standard library only, loopback only."""
import base64, gzip, hashlib, hmac, html, http.client, json, os, re, resource, sqlite3, statistics, struct, subprocess, sys, time
import urllib.parse


def get(port, path, host="127.0.0.1", conn=None, gz=False):
    c = conn or http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    c.request("GET", path, headers={"Host": host, **({"Accept-Encoding": "gzip"} if gz else {})})
    r = c.getresponse()
    return r.status, r.read()


def ready(port, limit):
    """Milliseconds until /readyz says yes, from the start of this program."""
    begin = time.monotonic()
    while time.monotonic() - begin < limit:
        try:
            if get(port, "/readyz")[0] == 200:
                print(round((time.monotonic() - begin) * 1000))
                return 0
        except OSError:
            pass
        time.sleep(0.002)
    return 1


def start(port, command):
    """Milliseconds from starting a server until it is ready; stops it again."""
    begin = time.monotonic()
    with open(os.devnull, "w") as nothing:
        server = subprocess.Popen(command, stdout=nothing)
    try:
        while time.monotonic() - begin < 60:
            try:
                if get(port, "/readyz")[0] == 200:
                    print(round((time.monotonic() - begin) * 1000))
                    return 0
            except OSError:
                pass
            time.sleep(0.002)
        return 1
    finally:
        server.terminate()
        server.wait()


def cpu(out, command):
    """Runs a command; writes seconds of processor time and of the clock."""
    begin = time.monotonic()
    code = subprocess.call(command)
    u = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(out, "w") as f:
        f.write(f"{u.ru_utime + u.ru_stime:.3f} {time.monotonic() - begin:.3f} {u.ru_maxrss}\n")
    return code


def slugs():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "../crates/gongkai/demo/sites.json"), encoding="utf-8") as f:
        return [s["slug"] for s in json.load(f)]


def addresses(port):
    """(host, path) of every page that the sitemaps name."""
    for slug in slugs():
        host = f"{slug}.localhost"
        queue, seen = ["/sitemap.xml"], set()
        while queue:
            path = queue.pop()
            if path in seen:
                continue
            seen.add(path)
            status, body = get(port, path, host)
            if status != 200:
                continue
            for loc in re.findall(r"<loc>([^<]+)</loc>", body.decode()):
                p = urllib.parse.urlsplit(html.unescape(loc)).path or "/"
                if p.endswith(".xml"):
                    queue.append(p)
                else:
                    yield host, p


def fetch(port, out, limit):
    """Stores what the server answers, plain and as it was compressed, for another server; writes out/list."""
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    n = size = packed = 0
    step = {}
    every = list(addresses(port))
    # Spread over all sites: every k-th address.
    k = max(1, len(every) // limit)
    with open(f"{out}/list", "w") as listing:
        for host, path in every[::k][:limit]:
            conn.request("GET", path, headers={"Host": host, "Accept-Encoding": "gzip"})
            r = conn.getresponse()
            body = r.read()
            if r.status != 200 or r.getheader("content-encoding") != "gzip":
                continue
            plain = gzip.decompress(body)
            file = f"{out}/root/{host}{path}" + ("index.html" if path.endswith("/") else "")
            folder = os.path.dirname(file)
            if folder not in step:
                os.makedirs(folder, exist_ok=True)
                step[folder] = True
            with open(file, "wb") as f:
                f.write(plain)
            with open(file + ".gz", "wb") as f:
                f.write(body)
            listing.write(f"{host} {path}\n")
            n, size, packed = n + 1, size + len(plain), packed + len(body)
    print(n, size // max(n, 1), packed // max(n, 1))
    return 0 if n else 1


def walk(port):
    """One pass over every page; prints how many and how many were not 200."""
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    n = bad = 0
    for host, path in addresses(port):
        conn.request("GET", path, headers={"Host": host, "Accept-Encoding": "gzip"})
        r = conn.getresponse()
        r.read()
        n += 1
        bad += r.status != 200
    print(n, bad)
    return 0


def three(values):
    """Median and spread of runs."""
    v = sorted(float(x) for x in values)
    m = statistics.median(v)
    return m, (v[-1] - v[0]) / m * 100 if m else 0


def ratio(goal, ours, theirs, what, unit):
    a, sa = three(ours)
    b, sb = three(theirs)
    word = "met" if a / b >= goal else "NOT met"
    print(f"| {what} | {a:,.0f} {unit} (spread {sa:.0f}%) | {b:,.0f} {unit} (spread {sb:.0f}%) | {a / b:.2f} | {goal} {word} |")


def blank(folder):
    """Forgets everything that was published, as on the first day: the next rebuild makes and stores every page."""
    db = sqlite3.connect(f"{folder}/city.db")
    db.execute("DELETE FROM route")
    db.execute("UPDATE publisher_state SET fingerprint=''")
    db.commit()
    db.close()


def hugo(folder, out, page, wanted):
    """A Hugo site of the same documents: one content file each, a layout with the weight of our page around the text."""
    db = sqlite3.connect(f"file:{folder}/city.db?mode=ro", uri=True)
    rows = db.execute(
        "SELECT s.slug, a.path, e.title, e.body, e.source, e.number, e.page_at FROM document d JOIN edition e ON e.id=d.live_edition "
        "JOIN document_address a ON a.document_id=d.id AND a.current=1 JOIN site s ON s.id=a.site_id ORDER BY d.id LIMIT ?",
        (int(wanted),),
    )
    n = 0
    for slug, path, title, body, source, number, at in rows:
        file = f"{out}/content/{slug}{path}"
        os.makedirs(os.path.dirname(file), exist_ok=True)
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at / 1000))
        with open(file, "w", encoding="utf-8") as f:
            # Hugo reads an object of JSON as front matter.
            f.write(json.dumps({"title": title, "date": when, "source": source, "number": number}, ensure_ascii=False, indent=1) + "\n" + body)
        n += 1
    with open(page, encoding="utf-8") as f:
        text = f.read()
    text = text.replace("{{", "{ {")
    meta = "<dl><dt>{{ .Params.source }}</dt><dd>{{ .Params.number }}</dd><dd>{{ .Date.Format \"2006-01-02\" }}</dd></dl>"
    one = re.sub(r"<main.*?</main>", lambda m: "<main><h1>{{ .Title }}</h1>" + meta + "{{ .Content }}</main>", text, flags=re.S)
    one = re.sub(r"<title>.*?</title>", "<title>{{ .Title }}</title>", one, flags=re.S)
    items = '{{ range (.Paginate .Pages 20).Pages }}<li><a href="{{ .RelPermalink }}">{{ .Title }}</a><time>{{ .Date.Format "2006-01-02" }}</time></li>{{ end }}'
    many = re.sub(r"<main.*?</main>", lambda m: "<main><h1>{{ .Title }}</h1><ul>" + items + "</ul></main>", text, flags=re.S)
    os.makedirs(f"{out}/layouts/_default", exist_ok=True)
    for name, t in (("single", one), ("list", many)):
        with open(f"{out}/layouts/_default/{name}.html", "w", encoding="utf-8") as f:
            f.write(t)
    with open(f"{out}/config.json", "w") as f:
        json.dump({"baseURL": "http://localhost/", "disableKinds": ["taxonomy", "term"], "title": "bench"}, f)
    print(n)
    return 0


def count_html(folder):
    n = size = 0
    for base, _, files in os.walk(folder):
        for f in files:
            if f.endswith((".html", ".xml")):
                n += 1
                size += os.path.getsize(os.path.join(base, f))
    print(n, size // max(n, 1))
    return 0


class Browser:
    """A person at the staff door."""

    def __init__(self, port):
        self.port, self.cookies = port, {}

    def send(self, method, path, fields=None, multipart=False):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        host = f"127.0.0.1:{self.port}"
        head = {"Host": host, "Origin": f"http://{host}", "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        body = None
        if fields is not None:
            if multipart:
                body = "".join(f'--B\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields) + "--B--\r\n"
                head["Content-Type"] = "multipart/form-data; boundary=B"
            else:
                body = urllib.parse.urlencode(fields)
                head["Content-Type"] = "application/x-www-form-urlencoded"
            body = body.encode()
        c.request(method, path, body, head)
        r = c.getresponse()
        text = r.read().decode("utf-8", "replace").replace("&#x2f;", "/").replace("&amp;", "&")
        for k, v in r.getheaders():
            if k.lower() == "set-cookie":
                name, _, value = v.split(";")[0].partition("=")
                self.cookies[name] = value
                if not value:
                    self.cookies.pop(name)
        return r.status, r.getheader("location") or "", text

    def token(self, text):
        m = re.search(r'name="_csrf" value="([^"]*)"', text) or re.search(r'value="([^"]*)" name="_csrf"', text)
        if not m:
            raise SystemExit("error: the page has no form token")
        return m.group(1)

    def post(self, page, path, fields, multipart=False):
        _, _, text = self.send("GET", page)
        return self.send("POST", path, [("_csrf", self.token(text)), *fields], multipart)

    def sign_in(self, login):
        status, to, text = self.post("/login", "/login", [("account", login["username"]), ("password", login["password"])])
        if status != 303:
            raise SystemExit(f"error: {login['username']} could not sign in ({status})")
        if "second" in to:
            code = lambda: [("code", totp(login["totp_secret"]))]
            status, to, text = self.post("/login/second", "/login/second", code())
            if status == 422:
                # A code counts once: whoever signed in within these 30 seconds waits for the next.
                time.sleep(31 - time.time() % 30)
                status, to, text = self.post("/login/second", "/login/second", code())
            if status != 303:
                raise SystemExit(f"error: the second factor of {login['username']} was refused ({status})")
        _, _, home = self.send("GET", "/account")
        self.csrf = self.token(home)


def totp(secret):
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    d = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    o = d[-1] & 15
    return f"{(struct.unpack('>I', d[o:o + 4])[0] & 0x7FFFFFFF) % 1000000:06d}"


def publish(staff, public, logins, times):
    """From the moment the publish form is sent until page, column list and feed show the document."""
    with open(logins) as f:
        known = {l["username"]: l for l in json.load(f)["logins"]}
    people = {}
    for name in ("mh-bianji", "mh-shenhe", "mh-fabu"):
        people[name] = Browser(staff)
        people[name].sign_in(known[name])
    editor, reviewer, publisher = people.values()
    _, _, form = editor.send("GET", "/documents/new")
    select = re.search(r'<select[^>]*name="main_column".*?</select>', form, re.S)
    options = re.findall(r'<option[^>]*value="([^"]+)"[^>]*>([^<]*)', select.group(0) if select else "")
    column = next((v for v, label in options if "云川要闻" in label), options[0][0] if options else "")
    spans = {"page": [], "list": [], "feed": [], "all": [], "answer": []}
    for i in range(times):
        title = f"云川市第{i + 1}次发布时间测量{time.time_ns() % 10**9}"
        fields = [("lock_version", "0"), ("do", "submit"), ("title", title), ("kind", "news"), ("source", "云川市人民政府办公室"),
                  ("body", "<p>这是一条用来测量发布时间的信息。</p>" * 12), ("main_column", column)]
        status, to, text = editor.send("POST", "/documents/new", [("_csrf", editor.csrf), *fields], True)
        m = re.match(r"/documents/([0-9a-z]+)", to)
        if status != 303 or not m:
            raise SystemExit(f"error: the draft was not taken ({status}) " + re.sub(r"<[^>]+>", " ", text)[:400])
        at = f"/documents/{m.group(1)}"
        for who, act, more in ((reviewer, "review", [("do", "pass"), ("comment", "")]),):
            status, _, text = who.send("POST", f"{at}/{act}", [("_csrf", who.csrf), *more])
            if status != 303:
                raise SystemExit(f"error: {act} was refused ({status}) " + re.sub(r"<[^>]+>", " ", text)[:400])
        month = time.strftime("%Y%m", time.gmtime(time.time() + 8 * 3600))
        paths = {"page": f"/news/yaowen/{month}/{m.group(1)}.html", "list": "/news/yaowen/", "feed": "/feed.xml"}
        want = {"page": None, "list": m.group(1), "feed": m.group(1)}
        conn = http.client.HTTPConnection("127.0.0.1", public, timeout=20)
        begin = time.monotonic()
        status, _, text = publisher.send("POST", f"{at}/publish", [("_csrf", publisher.csrf), ("when", "now"), ("note", "")])
        if status != 303:
            raise SystemExit(f"error: publish was refused ({status}) " + re.sub(r"<[^>]+>", " ", text)[:400])
        spans["answer"].append((time.monotonic() - begin) * 1000)
        open_ = set(paths)
        while open_ and time.monotonic() - begin < 20:
            for k in sorted(open_):
                status, body = get(public, paths[k], conn=conn)
                if status == 200 and (want[k] is None or want[k].encode() in body):
                    spans[k].append((time.monotonic() - begin) * 1000)
                    open_.discard(k)
            if open_:
                time.sleep(0.005)
        if open_:
            raise SystemExit(f"error: not visible within 20 s: {sorted(open_)}")
        spans["all"].append((time.monotonic() - begin) * 1000)
    for k in ("answer", "page", "list", "feed", "all"):
        v = sorted(spans[k])
        print(k, round(v[len(v) // 2]), round(v[min(len(v) - 1, int(len(v) * 0.95))]), round(v[-1]))
    return 0


def main():
    what, *a = sys.argv[1:]
    if what == "ready":
        return ready(int(a[0]), float(a[1]))
    if what == "start":
        return start(int(a[0]), a[1:])
    if what == "cpu":
        return cpu(a[0], a[1:])
    if what == "fetch":
        return fetch(int(a[0]), a[1], int(a[2]))
    if what == "walk":
        return walk(int(a[0]))
    if what == "ratio":
        return ratio(float(a[0]), a[1].split(), a[2].split(), a[3], a[4])
    if what == "blank":
        return blank(a[0])
    if what == "hugo":
        return hugo(*a)
    if what == "count":
        return count_html(a[0])
    if what == "publish":
        return publish(int(a[0]), int(a[1]), a[2], int(a[3]))
    raise SystemExit(f"error: no such help: {what}")


if __name__ == "__main__":
    sys.exit(main())
