"""What was asked, answered and said of answers, as the web keeps and finds it again."""
