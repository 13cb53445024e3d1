"""A small file in each language, written for these tests."""

SAMPLES = {
    "python": (
        "shop/cart.py",
        '''"""The cart of a shop."""

from dataclasses import dataclass


@dataclass
class Item:
    name: str
    price: float


def total(items: list[Item], discount: float = 0.0) -> float:
    """Return the price of all items after a discount."""
    amount = sum(item.price for item in items)
    if discount > 0.5:
        raise ValueError("no such discount")
    return amount * (1 - discount)
''',
    ),
    "javascript": (
        "web/retry.js",
        """export async function retry(action, { attempts = 3, delay = 100 } = {}) {
  let lastError;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    try {
      return await action(attempt);
    } catch (error) {
      lastError = error;
      await new Promise((resolve) => setTimeout(resolve, delay * attempt));
    }
  }
  throw lastError;
}
""",
    ),
    "typescript": (
        "web/store.ts",
        """export interface Entry<T> {
  value: T;
  expires: number;
}

export class Store<T> {
  private readonly entries = new Map<string, Entry<T>>();

  set(key: string, value: T, seconds: number): void {
    this.entries.set(key, { value, expires: Date.now() + seconds * 1000 });
  }

  get(key: string): T | undefined {
    const entry = this.entries.get(key);
    return entry && entry.expires > Date.now() ? entry.value : undefined;
  }
}
""",
    ),
    "tsx": (
        "web/Badge.tsx",
        """type Props = { label: string; count: number };

export function Badge({ label, count }: Props) {
  const shown = count > 99 ? "99+" : String(count);
  return (
    <span className="badge" title={`${count} ${label}`}>
      {label} <strong>{shown}</strong>
    </span>
  );
}
""",
    ),
    "go": (
        "pkg/queue/queue.go",
        """package queue

import "errors"

// Queue holds jobs in the order in which they came.
type Queue struct {
	jobs []string
}

var ErrEmpty = errors.New("queue is empty")

func (q *Queue) Push(job string) {
	q.jobs = append(q.jobs, job)
}

func (q *Queue) Pop() (string, error) {
	if len(q.jobs) == 0 {
		return "", ErrEmpty
	}
	job := q.jobs[0]
	q.jobs = q.jobs[1:]
	return job, nil
}
""",
    ),
    "rust": (
        "src/median.rs",
        """/// Returns the median of some numbers, or None where there are none.
pub fn median(numbers: &[f64]) -> Option<f64> {
    if numbers.is_empty() {
        return None;
    }
    let mut sorted = numbers.to_vec();
    sorted.sort_by(|left, right| left.total_cmp(right));
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        Some(sorted[middle])
    } else {
        Some((sorted[middle - 1] + sorted[middle]) / 2.0)
    }
}
""",
    ),
    "java": (
        "src/main/java/shop/Account.java",
        """package shop;

public final class Account {
    private long cents;

    public void deposit(long amount) {
        if (amount <= 0) {
            throw new IllegalArgumentException("amount must be positive");
        }
        cents += amount;
    }

    public long balance() {
        return cents;
    }
}
""",
    ),
    "c": (
        "src/trim.c",
        """#include <ctype.h>
#include <string.h>

char *trim(char *text)
{
    char *end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1])) {
        end -= 1;
    }
    *end = '\\0';
    while (isspace((unsigned char)*text)) {
        text += 1;
    }
    return text;
}
""",
    ),
    "cpp": (
        "src/ring.hpp",
        """#pragma once
#include <cstddef>
#include <vector>

template <typename T>
class Ring {
public:
    explicit Ring(std::size_t size) : items_(size) {}

    void push(const T& item) {
        items_[next_ % items_.size()] = item;
        next_ += 1;
    }

private:
    std::vector<T> items_;
    std::size_t next_ = 0;
};
""",
    ),
    "c_sharp": (
        "src/Clock.cs",
        """using System;

namespace Shop
{
    public sealed class Clock
    {
        private readonly Func<DateTime> now;

        public Clock(Func<DateTime> now)
        {
            this.now = now;
        }

        public bool IsWeekend()
        {
            var day = now().DayOfWeek;
            return day == DayOfWeek.Saturday || day == DayOfWeek.Sunday;
        }
    }
}
""",
    ),
    "ruby": (
        "lib/slug.rb",
        """module Slug
  def self.of(title, limit: 60)
    words = title.downcase.scan(/[a-z0-9]+/)
    slug = words.shift.to_s
    words.each do |word|
      break if slug.length + word.length >= limit
      slug = "#{slug}-#{word}"
    end
    slug
  end
end
""",
    ),
    "php": (
        "src/Router.php",
        """<?php

final class Router
{
    private array $routes = [];

    public function add(string $path, callable $handler): void
    {
        $this->routes[$path] = $handler;
    }

    public function dispatch(string $path): string
    {
        $handler = $this->routes[$path] ?? null;
        return $handler === null ? 'not found' : $handler();
    }
}
""",
    ),
    "bash": (
        "bin/backup.sh",
        """#!/usr/bin/env bash
set -euo pipefail

target="${1:?name the target folder}"
keep=7

mkdir -p "$target"
tar -czf "$target/$(date +%F).tar.gz" data

for old in $(ls -1 "$target" | sort -r | tail -n +$((keep + 1))); do
  rm -- "$target/$old"
done
""",
    ),
    "kotlin": (
        "src/Temperature.kt",
        """data class Reading(val sensor: String, val celsius: Double)

fun average(readings: List<Reading>, sensor: String): Double? {
    val values = readings.filter { it.sensor == sensor }.map { it.celsius }
    if (values.isEmpty()) {
        return null
    }
    return values.sum() / values.size
}
""",
    ),
    "swift": (
        "Sources/Stack.swift",
        """struct Stack<Element> {
    private var items: [Element] = []

    var isEmpty: Bool {
        return items.isEmpty
    }

    mutating func push(_ item: Element) {
        items.append(item)
    }

    mutating func pop() -> Element? {
        return items.isEmpty ? nil : items.removeLast()
    }
}
""",
    ),
    "scala": (
        "src/main/scala/Words.scala",
        """object Words {
  def frequencies(text: String): Map[String, Int] = {
    val words = text.toLowerCase.split("\\\\W+").filter(_.nonEmpty)
    words.groupBy(identity).map { case (word, found) => word -> found.length }
  }

  def mostFrequent(text: String, count: Int): List[String] = {
    frequencies(text).toList.sortBy(pair => (-pair._2, pair._1)).take(count).map(_._1)
  }
}
""",
    ),
    "sql": (
        "db/orders.sql",
        """-- Orders of the last month by customer.
CREATE VIEW recent_orders AS
SELECT customer_id,
       count(*) AS orders,
       sum(total) AS spent
FROM orders
WHERE created_at > now() - INTERVAL '1 month'
GROUP BY customer_id
HAVING count(*) > 1
ORDER BY spent DESC;
""",
    ),
    "css": (
        "web/badge.css",
        """.badge {
  display: inline-flex;
  align-items: center;
  padding: 0.25rem 0.5rem;
  border-radius: 999px;
}

.badge strong {
  margin-left: 0.5rem;
  color: #c0392b;
}
""",
    ),
    "json": (
        "config/limits.json",
        """{
  "requests": {"per_minute": 60, "burst": 10},
  "upload": {
    "megabytes": 25,
    "types": ["image/png", "image/jpeg"]
  },
  "session": {
    "minutes": 30,
    "renew": true
  }
}
""",
    ),
    "markdown": (
        "docs/setup.md",
        """# Setup

Install the tools, then create the database.

1. Copy `settings.example` to `settings`.
2. Run the migrations.
3. Start the server, and open the page in a browser.

The server listens on port 8080. Set `PORT` for another one.
""",
    ),
}
"""Path and text by language."""
