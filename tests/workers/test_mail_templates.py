"""Mails keep the line breaks of what people wrote, lead to what they name, and run nothing."""

from workers.mail.rendering import render


def test_a_text_keeps_its_lines_and_runs_nothing() -> None:
    told = {"title": "Sent", "body": "First <b>line</b>\nsecond line", "link": None}
    for mail in (render("notification", told), render("digest", {"notifications": [told]})):
        assert "First &lt;b&gt;line&lt;/b&gt;<br>second line" in mail.html.replace("<br />", "<br>").replace(
            "<br/>", "<br>"
        )
        assert "First <b>line</b>\nsecond line" in mail.text


def test_an_alert_leads_to_its_job_and_says_how_bad_it_is() -> None:
    url = "https://console.example.org/jobs/1?a=1&b=2"
    mail = render("alert", {"severity": "critical", "summary": "It failed", "details": {"job": 7, "open": url}})
    assert f'href="{url.replace("&", "&amp;")}"' in mail.html
    assert "severity: critical" in mail.html
    assert "severity: critical" in mail.text
    assert mail.subject == "[critical] It failed"
    assert f"<title>{mail.subject}</title>" in mail.html
    hostile = {"severity": "low", "summary": "x", "details": {"open": "javascript:alert(1)", "shown": "<script>"}}
    html = render("alert", hostile).html
    assert "href" not in html.partition("</head>")[2]
    assert "<script>" not in html.partition("</head>")[2]
