"""Texts of our own to count the tokens of: prose in several scripts, code in several languages, data."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[2]

ENGLISH = """\
The keeper of the northern light had a habit of writing everything down. When the lamp was trimmed he wrote the hour; \
when a ship passed he wrote its name, if he could read it, and a question mark if he could not. In the winter of the \
great storm the book saved eleven lives, because it said which rocks were dry at low water and which were only believed \
to be. Nobody who came after him thought of leaving the book behind, although most of them complained about it.

What made the habit useful was not the amount of writing. It was that each line had been written before the thing it \
spoke of was forgotten, and that no line was ever rubbed out. A mistake was followed by another line which said so. \
Visitors found this funny, and then, after they had looked for something in their own papers at home, less funny.

There are three rules on the first page. Write it down before you do it. Write down what came of it. If you cannot know \
what came of it, write that, and ask the next person who comes up the stairs.
"""
GERMAN = """\
Der Leuchtturmwärter schrieb alles auf: wann die Lampe geputzt wurde, welches Schiff vorbeifuhr und wie das Wetter war. \
Im Winter des großen Sturms rettete sein Buch elf Menschen das Leben, denn darin stand, welche Felsen bei Ebbe trocken \
lagen. Seine Nachfolger beschwerten sich über die zusätzliche Arbeit, aber keiner ließ das Buch zurück. Auf der ersten \
Seite stehen drei Regeln. Schreib es auf, bevor du es tust. Schreib auf, was daraus geworden ist. Und wenn du es nicht \
wissen kannst, dann schreib auch das auf und frage die nächste Person, die die Treppe heraufkommt.
"""
CHINESE = """\
灯塔的守望人有一个习惯：他把所有的事情都写下来。灯擦干净了，他写下时间；有船经过，他写下船的名字，看不清楚就画一个问号。\
那年冬天刮起了大风暴，他的本子救了十一个人的命，因为里面写着退潮的时候哪些礁石是干的，哪些只是大家以为是干的。后来的人都抱怨\
这件事太麻烦，可是没有一个人愿意把本子丢掉。

这个习惯之所以有用，并不在于写得多。每一行都是在事情还没有被忘记之前写下的，而且从来没有一行被擦掉过。如果写错了，就在下面再写\
一行说明。客人们觉得这样很好笑，等他们回到家里，在自己的纸堆里找东西的时候，就不再觉得好笑了。

第一页上有三条规则。做之前先写下来。做完以后写下结果。如果不知道结果，也要写下来，然后去问下一个上楼的人。
我们的程序也是这样工作的：每一次调用工具之前，先把意图保存到磁盘；调用之后，再保存结果。进程如果在中间被杀死，重新启动以后就可以\
看到究竟发生了什么，哪些操作已经完成，哪些操作的结果还不知道。
"""
TRADITIONAL = """\
燈塔的守望人有一個習慣：他把所有的事情都寫下來。燈擦乾淨了，他寫下時間；有船經過，他寫下船的名字，看不清楚就畫一個問號。\
那年冬天颳起了大風暴，他的本子救了十一個人的命，因為裡面寫著退潮的時候哪些礁石是乾的。後來的人都抱怨這件事太麻煩，\
可是沒有一個人願意把本子丟掉。第一頁上有三條規則。做之前先寫下來。做完以後寫下結果。如果不知道結果，也要寫下來。
"""
JAPANESE = """\
灯台守には、何でも書き留めるという習慣がありました。ランプを磨いた時刻を書き、船が通ればその名前を書き、読めなければ疑問符を\
書きました。大嵐の冬、その帳面は十一人の命を救いました。引き潮のときにどの岩が本当に乾いているのかが書いてあったからです。\
後から来た人たちはみんな面倒だと文句を言いましたが、帳面を置いていこうとする人は一人もいませんでした。

この習慣が役に立ったのは、たくさん書いたからではありません。どの行も、忘れてしまう前に書かれていて、一度も消されなかったからです。\
間違えたときは、その下にもう一行書きました。最初のページには三つの決まりがあります。やる前に書くこと。やった後に結果を書くこと。\
結果がわからないときは、わからないと書いて、次に階段を上ってきた人に聞くこと。

このプログラムも同じように動きます。ツールを呼び出す前に、まず意図をディスクに保存します。プロセスが途中で終了しても、再起動すれば\
何が完了していて、何の結果がまだ不明なのかを確認できます。
"""
KOREAN = """\
등대지기에게는 모든 것을 적어 두는 습관이 있었습니다. 등불을 닦은 시각을 적고, 배가 지나가면 그 이름을 적고, 이름을 읽을 수 \
없으면 물음표를 적었습니다. 큰 폭풍이 불던 겨울에 그 공책은 열한 명의 목숨을 구했습니다. 썰물 때 어느 바위가 정말로 말라 \
있는지 적혀 있었기 때문입니다. 나중에 온 사람들은 모두 귀찮다고 불평했지만, 공책을 두고 가려는 사람은 한 명도 없었습니다.

첫 장에는 세 가지 규칙이 있습니다. 하기 전에 적을 것. 한 뒤에 결과를 적을 것. 결과를 알 수 없으면 모른다고 적고, 다음에 계단을 \
올라오는 사람에게 물어볼 것. 이 프로그램도 같은 방식으로 동작합니다. 도구를 호출하기 전에 먼저 의도를 디스크에 저장합니다.
"""
RUSSIAN = """\
Смотритель маяка записывал всё: когда была вычищена лампа, какой корабль прошёл мимо и какая стояла погода. Зимой, во время \
большого шторма, его тетрадь спасла одиннадцать человек, потому что в ней было сказано, какие камни остаются сухими при отливе. \
На первой странице стоят три правила. Запиши, прежде чем сделать. Запиши, что из этого вышло. А если узнать нельзя, запиши и это.
"""
JAVASCRIPT = """\
import { readFile } from "node:fs/promises";

export class Journal {
  #entries = new Map();

  constructor(path, { onChange = () => {} } = {}) {
    this.path = path;
    this.onChange = onChange;
  }

  async load() {
    const text = await readFile(this.path, "utf8").catch(() => "[]");
    for (const { id, ...entry } of JSON.parse(text)) {
      this.#entries.set(id, { ...entry, loadedAt: Date.now() });
    }
    return this.#entries.size;
  }

  record(id, outcome) {
    if (!this.#entries.has(id)) throw new Error(`no entry ${id}`);
    const next = { ...this.#entries.get(id), outcome, settled: true };
    this.#entries.set(id, next);
    this.onChange(id, next);
  }

  get open() {
    return [...this.#entries].filter(([, e]) => !e.settled).map(([id]) => id);
  }
}
"""
C = """\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    unsigned long id;
    char name[64];
    int settled;
    struct entry *next;
};

static struct entry *find(struct entry *head, unsigned long id)
{
    for (struct entry *e = head; e != NULL; e = e->next) {
        if (e->id == id)
            return e;
    }
    return NULL;
}

int journal_settle(struct entry *head, unsigned long id, const char *name)
{
    struct entry *e = find(head, id);
    if (!e || e->settled)
        return -1;
    strncpy(e->name, name, sizeof(e->name) - 1);
    e->name[sizeof(e->name) - 1] = '\\0';
    e->settled = 1;
    return fprintf(stderr, "settled %lu as %s\\n", e->id, e->name) < 0 ? -1 : 0;
}
"""
RUST = """\
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome { Unknown, Done(String), Failed { code: i32, reason: String } }

pub struct Journal { entries: BTreeMap<u64, Outcome> }

impl Journal {
    pub fn settle(&mut self, id: u64, outcome: Outcome) -> Result<(), String> {
        match self.entries.get_mut(&id) {
            None => Err(format!("no entry {id}")),
            Some(Outcome::Done(text)) => Err(format!("entry {id} is done: {text:?}")),
            Some(slot) => { *slot = outcome; Ok(()) }
        }
    }

    pub fn open(&self) -> impl Iterator<Item = u64> + '_ {
        self.entries.iter().filter(|(_, o)| **o == Outcome::Unknown).map(|(id, _)| *id)
    }
}
"""
SQL = """\
CREATE TABLE entry (
    id          INTEGER PRIMARY KEY,
    thread_id   TEXT NOT NULL REFERENCES thread (id) ON DELETE CASCADE,
    phase       TEXT NOT NULL CHECK (phase IN ('proposed', 'executing', 'done', 'failed')),
    created_at  INTEGER NOT NULL
);
CREATE INDEX entry_open ON entry (thread_id, created_at) WHERE phase IN ('proposed', 'executing');

SELECT t.title, count(e.id) AS open_entries, max(e.created_at) AS newest
  FROM thread t LEFT JOIN entry e ON e.thread_id = t.id AND e.phase <> 'done'
 WHERE t.deleted_at IS NULL AND t.updated_at > :since
 GROUP BY t.id HAVING count(e.id) > 0
 ORDER BY newest DESC LIMIT 50 OFFSET :skip;
"""
HTML = """\
<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Requests that wait</title><link rel="stylesheet" href="/main.css"></head>
  <body>
    <main class="inbox" aria-live="polite">
      <h1>Requests that wait</h1>
      <ul id="requests">
        <li class="request request--write"><a href="#r1">write notes.txt</a> <time datetime="2026-05-04">4 May</time></li>
        <li class="request request--run"><a href="#r2">run make test</a> <button type="button">Allow once</button></li>
      </ul>
    </main>
  </body>
</html>
"""
SHELL = """\
#!/usr/bin/env bash
set -euo pipefail
for file in "$@"; do
    [[ -f "$file" ]] || { echo "no such file: $file" >&2; exit 1; }
    lines=$(wc -l < "$file")
    if (( lines > 400 )); then
        printf '%-40s %6d lines\\n' "$file" "$lines" | tee -a report.txt
    fi
done
git diff --stat HEAD~1 -- '*.py' | tail -n 1 | awk '{ print $1, "files changed," $4 + $6, "lines" }'
"""


def texts() -> dict[str, tuple[str, str]]:
    """By name, a kind ("prose", "code", "cjk", "other") and the text."""
    found: dict[str, tuple[str, str]] = {
        "english": ("prose", ENGLISH),
        "german": ("prose", GERMAN),
        "russian": ("other", RUSSIAN),
        "chinese": ("cjk", CHINESE),
        "chinese, traditional": ("cjk", TRADITIONAL),
        "japanese": ("cjk", JAPANESE),
        "korean": ("cjk", KOREAN),
        "all of them": ("cjk", ENGLISH + CHINESE + JAPANESE + C + KOREAN),
        "javascript": ("code", JAVASCRIPT),
        "c": ("code", C),
        "rust": ("code", RUST),
        "sql": ("code", SQL),
        "html": ("code", HTML),
        "shell": ("code", SHELL),
    }
    for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md"):
        found[name] = ("prose", (ROOT / name).read_text()[:12_000])
    for name in (
        "afk/core/loop.py",
        "afk/memory/sqlite/effects.py",
        "afk/llms/failures.py",
        "afk_tui/cli.py",
        "tests/core/test_approvals.py",
        "styles/base.tcss",
        "pyproject.toml",
    ):
        found[name] = ("code", (ROOT / name).read_text()[:12_000])
    random = Random(1)
    words = ENGLISH.split()
    found["json"] = ("other", json.dumps({w: [w, len(w), {"ok": True}] for w in words[:80]}, indent=2))
    found["numbers"] = (
        "other",
        json.dumps([random.random() * 10 ** random.randrange(8) for _ in range(300)]),
    )
    found["log"] = (
        "other",
        "\n".join(
            f"2026-05-04T{n % 24:02}:{n % 60:02}:07.{n:03}Z INFO [worker-{n % 4}] "
            f"{' '.join(random.sample(words, 8))} id={random.randrange(10**9):x}"
            for n in range(60)
        ),
    )
    found["table"] = (
        "other",
        "\n".join(f"-rw-r--r-- 1 root {n * 977:8d} May {n % 30 + 1:2} {words[n]}.py" for n in range(80)),
    )
    found["emoji"] = ("other", " ".join(w + random.choice(("", "", "🎉", "🚀", "👍🏽", "🇩🇪")) for w in words))
    found["base64"] = ("other", base64.b64encode(random.randbytes(2_000)).decode())
    found["hex"] = ("other", random.randbytes(1_500).hex())
    found["blanks"] = ("other", "\n".join(" " * random.randrange(60) + w for w in words))
    return found
