"""Contexts of user names in home folders. Marks as in `planted_tokens`."""

import planted_values as v
from planted_tokens import Context

PLAIN = v.user_name
FULL = v.email("*.*")
NUMBERED = v.email("**##")
DASHED = v.email("*-*")
SPACED = v.parts(lambda rng: v.word(rng).capitalize(), v.token(" ", "BKMRT", 1), v.word)

MACOS: list[Context] = [
    (PLAIN, "/Users/§/dev/site/src/app.ts:12:5 - error TS2304: Cannot find name 'x'."),
    (PLAIN, '{"cwd": "/Users/§/Projects/api", "cmd": "npm test"}'),
    (FULL, "$ pwd\n/Users/§\n"),
    (PLAIN, "file:///Users/§/Downloads/report.pdf"),
    (PLAIN, '  File "/Users/§/Library/Caches/x/run.py", line 3, in <module>'),
    (NUMBERED, 'export PATH="/Users/§/.local/bin:$PATH"'),
    (PLAIN, "~/.claude/projects/-Users-§-dev-site/session.jsonl"),
    (PLAIN, r'{"content":"total 8\ndrwxr-xr-x  5 staff  160 /Users/§/notes\n"}'),
    (DASHED, "open '/Volumes/Data/Users/§/Desktop/shot.png'"),
    (PLAIN, "rsync -a /Users/§/Music nas:backup"),
    (PLAIN, "why does it say that /Users/§ is not writable?"),
    (PLAIN, 'url = "sqlite:////Users/§/data/app.db"'),
]

LINUX: list[Context] = [
    (PLAIN, 'Traceback (most recent call last):\n  File "/home/§/app/main.py", line 8, in <module>'),
    (PLAIN, "root@laptop:/home/§/src# ls\nREADME.md"),
    (FULL, "WorkingDirectory=/home/§/bot\nRestart=always\n"),
    (PLAIN, '{"file_path":"/home/§/work/main.go","limit":50}'),
    (NUMBERED, "ModuleNotFoundError: not in /home/§/miniconda3/envs/ml/lib/python3.11"),
    (PLAIN, "scp deploy@web1:/home/§/dump.sql ."),
    (PLAIN, "panic: open /home/§/.config/tool.toml: permission denied"),
    (PLAIN, "app:x:1001:1001::/home/§:/bin/bash"),
    (PLAIN, "vscode-remote://wsl+Ubuntu/home/§/site"),
    (DASHED, "volumes:\n  - /home/§/data:/data\n"),
    (PLAIN, r'{"stderr":"/home/§/build/a.c:4:1: error: expected declaration\n"}'),
    (PLAIN, "crontab: */5 * * * * /usr/bin/python3 /home/§/check.py"),
]

WINDOWS: list[Context] = [
    (PLAIN, "C:\\Users\\§\\source\\repos\\App\\Program.cs(14,9): error CS0103"),
    (PLAIN, r'{"cwd":"C:\\Users\\§\\code\\site","shell":"pwsh"}'),
    (PLAIN, "PS C:\\Users\\§> npm run dev"),
    (FULL, "C:\\Users\\§\\AppData\\Roaming\\npm\\node_modules"),
    (PLAIN, "file:///C:/Users/§/Desktop/index.html"),
    (PLAIN, "cd /c/Users/§/projects && make"),
    (PLAIN, "/mnt/c/Users/§/Documents/data.csv"),
    (NUMBERED, '  File "C:\\Users\\§\\anaconda3\\lib\\site-packages\\pandas\\core.py", line 3'),
    (SPACED, "path = r'C:\\Users\\§\\Documents\\in.xlsx'"),
    (PLAIN, r'{"content":"{\"path\": \"C:\\\\Users\\\\§\\\\x.txt\"}"}'),
    (PLAIN, "file:///c%3A/Users/§/work/a.ts"),
    (PLAIN, "D:\\Users\\§\\Downloads is full, how do I move it?"),
    (PLAIN, "c:/users/§/go/pkg/mod: Access is denied."),
    (PLAIN, "\\\\fileserver\\c$\\Users\\§\\backup.zip"),
]
